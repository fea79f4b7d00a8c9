import type { Client } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../workflows/attributes';

const known = new WeakMap<object, Promise<boolean>>();

/**
 * Whether the namespace has every search attribute of ours; asked once per connection. A server that
 * can't say (the time-skipping one, or no right to ask) has none: an unregistered attribute would refuse
 * the start, or block the run.
 */
export function hasSearchAttributes(client: Client): Promise<boolean> {
  const asked = known.get(client.connection) ?? ask(client);
  known.set(client.connection, asked);
  return asked;
}

async function ask(client: Client): Promise<boolean> {
  try {
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
      namespace: client.options.namespace,
    });
    return SEARCH_ATTRIBUTES.every(({ name }) => name in customAttributes);
  } catch {
    known.delete(client.connection);
    return false;
  }
}
