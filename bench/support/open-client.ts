import { Client, Connection } from '@temporalio/client';

/**
 * A client of Temporal's. Its connection is left open to the end of the process: a call that is tried again on a closed one
 * throws where nobody can catch it, after Ctrl-C.
 */
export async function openClient(address: string): Promise<Client> {
  return new Client({ connection: await Connection.connect({ address }) });
}
