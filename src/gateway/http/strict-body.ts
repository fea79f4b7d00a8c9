import { parseStrictJson, StrictJsonError } from '../../strict-json';
import { HttpError } from './http-error';

/** Reads a request's body strictly. @throws HttpError 400 `invalid_json`, which shows nothing of it */
export function parseStrictBody(body: Buffer): unknown {
  try {
    return parseStrictJson(body);
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error;
    throw HttpError.bad('invalid_json', `The body can't be used: ${error.message}.`);
  }
}
