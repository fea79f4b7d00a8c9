import { Client } from 'pg';

/** Takes every connection that a server has left, the superuser's own reserve too. Each is ended by who took it. */
export async function takeAllConnections(url: string): Promise<Client[]> {
  for (const taken: Client[] = []; ; ) {
    const client = new Client({ connectionString: url });
    // the server may be killed while they are held
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      if ((error as { code?: string }).code === '53300') return taken;
      throw error;
    }
    taken.push(client);
  }
}
