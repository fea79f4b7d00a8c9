import { z } from 'zod';

/**
 * What the API's description says of a schema beyond what zod knows; `id` makes a component of it. Not zod's
 * global registry: a user's tasks may put theirs there.
 */
export const described = z.registry<{ id?: string; description?: string; [keyword: string]: unknown }>();

/** A number as a query writes it: digits alone, so that '', ' 5' and '0x5' are none. */
export function wholeNumber(least: number, most: number, description: string) {
  const number = z.preprocess(
    (text) => (typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : text),
    z.int().min(least).max(most),
  );
  return number.register(described, { description }).optional();
}

/** Any JSON that can be told from any other: the digest takes no number beyond 2^53. */
const JSON_VALUE = {
  anyOf: [
    { type: ['string', 'boolean', 'null'] },
    { type: 'number', minimum: -Number.MAX_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
    { type: 'array', items: { $ref: '#/components/schemas/JsonInput' } },
    { type: 'object', additionalProperties: { $ref: '#/components/schemas/JsonInput' } },
  ],
};

/** A job's input. Not parsed by zod, which would copy megabytes; the digest checks it. */
export const JsonInput = z.unknown().register(described, { id: 'Json', ...JSON_VALUE });
