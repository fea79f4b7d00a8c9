import { z } from 'zod';
import { described } from './registry';

/** The tag of the OpenAI API's routes: their errors have its shape, and their refusals of methods are their own. */
export const OPENAI_TAG = 'openai';

const ErrorSchema = z
  .looseObject({
    error: z.looseObject({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.string().nullable(),
    }),
  })
  .register(described, { id: 'OpenAiError', description: "An error in OpenAI's shape." });

const Body = z.record(z.string(), z.unknown()).register(described, {
  id: 'OpenAiRequest',
  description: "The request as OpenAI's API takes it; every field is passed on.",
});

const Answer = z.record(z.string(), z.unknown()).register(described, {
  id: 'OpenAiAnswer',
  description: "The provider's answer, whole.",
});

const error = (description: string) => ({
  description,
  content: { 'application/json': { schema: ErrorSchema } },
});

/** What any of the routes may answer. */
const ERRORS = {
  400: error('The request can not be used, by the gateway or by the provider.'),
  401: error('No key, or a wrong one.'),
  404: error('No such model, or no such thing at the provider.'),
  429: error('The key, or the provider, takes no more now.'),
  500: error('A fault of the gateway.'),
  502: error('The provider can not be reached, broke off, or does not accept the gateway.'),
  503: error('A part is away; see Retry-After. Trying again is safe where there is an Idempotency-Key.'),
  default: error("Any other status of the provider's, in its words."),
};

const KEYED_ERRORS = {
  409: error(
    'The job is in doubt, was canceled, or failed and may have been paid for; not to be sent again.',
  ),
  410: error('The job was forgotten; its id stays taken.'),
  422: error('The key exists with another request; the first one stands.'),
};

const BODY_ERRORS = {
  413: error('The body is over the limit.'),
  415: error('The body is not application/json.'),
};

const KeyHeader = z.object({
  'idempotency-key': z.string().optional().register(described, {
    description: 'The job_id, bare or quoted. Without it the request passes through, once.',
    pattern: '^([A-Za-z0-9][A-Za-z0-9._:~@+-]{0,254}|"[A-Za-z0-9][A-Za-z0-9._:~@+-]{0,254}")$',
  }),
});

const tags = [OPENAI_TAG];
const answer = {
  description: "The provider's answer; a replay streams the stored one.",
  content: {
    'application/json': { schema: Answer },
    'text/event-stream': { schema: z.string() },
  },
};

/** A route on which a request with an `Idempotency-Key` is a job. */
export const keyedRoute = (summary: string) => ({
  tags,
  summary,
  headers: KeyHeader,
  body: Body,
  response: { 200: answer, ...ERRORS, ...BODY_ERRORS, ...KEYED_ERRORS },
});

/** A route that only passes bodies through. */
export const passedRoute = (summary: string) => ({
  tags,
  summary,
  body: Body,
  response: { 200: answer, ...ERRORS, ...BODY_ERRORS },
});

/** A route that only reads. */
export const readRoute = (summary: string) => ({ tags, summary, response: { 200: answer, ...ERRORS } });

export const ModelParams = z.object({ model: z.string() });
