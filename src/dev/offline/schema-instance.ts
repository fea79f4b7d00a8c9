/** A JSON schema, as far as structured outputs allow one. */
export type JsonSchema = Record<string, unknown>;

/**
 * Makes the smallest instance of a JSON schema: first enum value, shortest text, empty list, required properties
 * only. Understands the subset that structured outputs allow, with `$ref`, `$defs`, `anyOf` and bounds; a `pattern`
 * is not solved.
 *
 * @example
 * minimalInstance({ type: 'object', properties: { n: { type: 'integer', minimum: 3 } }, required: ['n'] }) // { n: 3 }
 */
export function minimalInstance(schema: JsonSchema): unknown {
  return instance(schema, schema, 0);
}

const FORMATS: Record<string, string> = {
  'date-time': '1970-01-01T00:00:00Z',
  date: '1970-01-01',
  time: '00:00:00Z',
  email: 'stand-in@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

function instance(schema: JsonSchema, root: JsonSchema, depth: number): unknown {
  if (depth > 32) return null;
  const inner = (value: unknown) => instance((value ?? {}) as JsonSchema, root, depth + 1);
  if (typeof schema.$ref === 'string') return inner(resolveRef(schema.$ref, root));
  if ('const' in schema) return schema.const;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const options = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  // `null` ends a recursive schema, so it is the smallest wherever it is offered.
  if (options) return inner(options.find((option) => option.type === 'null') ?? options[0]);
  if (Array.isArray(schema.allOf)) return inner(Object.assign({}, ...schema.allOf));
  switch (
    Array.isArray(schema.type) ? (schema.type.find((t) => t === 'null') ?? schema.type[0]) : schema.type
  ) {
    case 'string':
      return text(schema);
    case 'integer':
    case 'number':
      return smallestNumber(schema);
    case 'boolean':
      return false;
    case 'array':
      return Array.from({ length: Number(schema.minItems ?? 0) }, () => inner(schema.items));
    case 'null':
      return null;
    default: {
      const properties = (schema.properties ?? {}) as JsonSchema;
      const required = (schema.required ?? []) as string[];
      return Object.fromEntries(required.map((name) => [name, inner(properties[name])]));
    }
  }
}

function text(schema: JsonSchema): string {
  const plain = FORMATS[String(schema.format)] ?? '';
  return plain.padEnd(Number(schema.minLength ?? 0), 'x');
}

function smallestNumber(schema: JsonSchema): number {
  const above = schema.exclusiveMinimum as number | undefined;
  const least = (schema.minimum as number | undefined) ?? (above === undefined ? undefined : above + 1);
  const most = (schema.maximum as number | undefined) ?? Number.POSITIVE_INFINITY;
  const step = schema.multipleOf as number | undefined;
  // Zero is the smallest in people's eyes wherever the bounds let it be.
  const value = least !== undefined && least > 0 ? least : most < 0 ? most : Math.max(0, least ?? 0);
  return step ? Math.ceil(value / step) * step : value;
}

function resolveRef(ref: string, root: JsonSchema): JsonSchema {
  let at: unknown = root;
  for (const part of ref.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    at = (at as JsonSchema | undefined)?.[part.replace(/~1/g, '/').replace(/~0/g, '~')];
  }
  return (at ?? {}) as JsonSchema;
}
