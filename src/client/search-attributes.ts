import type { Client } from '@temporalio/client';
import { SEARCH_ATTRIBUTES, typeNumber } from '../workflows/attributes';

/** By connection, then by namespace. */
const known = new WeakMap<object, Map<string, Promise<boolean>>>();

/**
 * Whether the namespace has every search attribute of ours, of our types; asked once per connection and
 * namespace. A server that can't say (the time-skipping one, or no right to ask) has none: an
 * unregistered attribute would refuse the start, or block the run.
 */
export function hasSearchAttributes(client: Client): Promise<boolean> {
  const { namespace } = client.options;
  const byNamespace = known.get(client.connection) ?? new Map<string, Promise<boolean>>();
  known.set(client.connection, byNamespace);
  const asked = byNamespace.get(namespace) ?? ask(client, () => byNamespace.delete(namespace));
  byNamespace.set(namespace, asked);
  return asked;
}

async function ask(client: Client, forget: () => void): Promise<boolean> {
  try {
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
      namespace: client.options.namespace,
    });
    return SEARCH_ATTRIBUTES.every((attribute) => customAttributes[attribute.name] === typeNumber(attribute));
  } catch {
    forget();
    return false;
  }
}
