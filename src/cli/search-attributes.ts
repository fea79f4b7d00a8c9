import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { guard } from '../client/guard';
import { ConfigError } from '../errors';
import { SEARCH_ATTRIBUTES, typeNumber } from '../workflows/attributes';

const SHOWN_WITHIN_MS = 30_000;

/** The names of our search attributes that the namespace has not. @throws ConfigError where one has another type */
export async function missingSearchAttributes(client: Client): Promise<string[]> {
  const { customAttributes } = await guard(
    client.connection.operatorService.listSearchAttributes({ namespace: client.options.namespace }),
  );
  const missing: string[] = [];
  for (const attribute of SEARCH_ATTRIBUTES) {
    const { name, type } = attribute;
    const present = customAttributes[name];
    if (present === undefined || present === null) missing.push(name);
    else if (present !== typeNumber(attribute)) {
      throw new ConfigError(
        `Search attribute ${name} exists in namespace ${client.options.namespace} with another type than ${type}; remove it there, then run infer-once setup.`,
      );
    }
  }
  return missing;
}

/** Registers what is missing and waits until Temporal shows it. @returns the names that were registered */
export async function registerSearchAttributes(client: Client): Promise<string[]> {
  const missing = await missingSearchAttributes(client);
  if (missing.length === 0) return missing;
  const wanted = SEARCH_ATTRIBUTES.filter(({ name }) => missing.includes(name));
  await guard(
    client.connection.operatorService.addSearchAttributes({
      namespace: client.options.namespace,
      searchAttributes: Object.fromEntries(
        wanted.map((attribute) => [attribute.name, typeNumber(attribute)]),
      ),
    }),
  );
  const limit = Date.now() + SHOWN_WITHIN_MS;
  while ((await missingSearchAttributes(client)).length > 0 && Date.now() < limit) await delay(200);
  return missing;
}
