import { zodResponseFormat } from 'openai/helpers/zod';
import type { ResponseFormatJSONSchema } from 'openai/resources/shared';
import type { ZodType } from 'zod';
import { ConfigError } from '../errors';

/** True for a schema of zod 4, of whichever copy; zod 3 has no `_zod`. */
export function isZod4Schema(value: unknown): value is ZodType {
  return typeof value === 'object' && value !== null && '_zod' in value && 'safeParse' in value;
}

/**
 * The `response_format` of an output schema, by the openai package's own helper; made once, at the first
 * call, since a task that always brings its own format need not have a schema that can be one.
 *
 * @returns a function that throws ConfigError where strict structured output can't hold the schema
 */
export function outputResponseFormat(task: string, output: ZodType): () => ResponseFormatJSONSchema {
  let made: ResponseFormatJSONSchema | undefined;
  return () => {
    made ??= make(task, output);
    return made;
  };
}

function make(task: string, output: ZodType): ResponseFormatJSONSchema {
  // The API takes letters, digits, _ and - in a format's name, and 64 of them.
  const name = task.replaceAll('.', '_');
  try {
    // The round trip drops the helper's hidden parser and what JSON would drop on the way anyway.
    return JSON.parse(JSON.stringify(zodResponseFormat(output, name)));
  } catch (cause) {
    const why = (cause as Error).message.split('\n')[0]?.replace(/\.$/, '');
    throw new ConfigError(
      `Task "${task}": its output schema can't be sent as a response format (${why}); change it, set response_format in request, or give parse for free-form text.`,
      cause,
    );
  }
}
