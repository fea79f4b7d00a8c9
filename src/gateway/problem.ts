import type { FastifyError, FastifyReply } from 'fastify';
import { refusalOfTemporal } from '../client/refusal';
import {
  EncryptionKeyMissingError,
  IdInUseError,
  InputMismatchError,
  InvalidInputError,
  InvalidJobIdError,
  JobError,
  JobForgottenError,
  JobNotFoundError,
  StoreCorruptError,
  TooLargeError,
  UnknownTaskError,
  UnreachableError,
  UserError,
  WrongStateError,
} from '../errors';
import type { JobRecord } from '../job';
import { HttpError } from './http/http-error';

/** An RFC 9457 problem document. */
export interface Problem {
  /** Stable; programs may compare it: `urn:infer-once:problem:` and the code. */
  type: string;
  title: string;
  status: number;
  /** One sentence for people: what happened, to which job, what to do. */
  detail: string;
  code: string;
  job_id?: string;
  /** The job's record, where one is known and is the asker's. */
  record?: JobRecord;
}

/** What an error is to a client of the gateway. */
export interface Refusal {
  problem: Problem;
  headers: Record<string, string>;
}

/** When to come back where Temporal or the store is away, in seconds. */
const RETRY_AFTER_S = 5;

const STATUSES: [abstract new (...args: never[]) => UserError, number, string][] = [
  [InvalidJobIdError, 400, 'The job id can not be used'],
  [InvalidInputError, 400, 'The input can not be used'],
  [UnknownTaskError, 400, 'No such task'],
  [JobNotFoundError, 404, 'No such job'],
  [WrongStateError, 409, 'The job is in no state for this'],
  [IdInUseError, 409, 'The id is in use'],
  [JobForgottenError, 410, 'The job was forgotten'],
  [TooLargeError, 413, 'Too large'],
  [InputMismatchError, 422, 'Another task or input under this id'],
  [StoreCorruptError, 500, 'The record can not be read'],
  [EncryptionKeyMissingError, 500, 'The record can not be read'],
  [UnreachableError, 503, 'A part is away'],
];

/** What a client is told of an error; one that is no error of ours is told as a bare 500. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof HttpError) {
    return { problem: problem(error.status, error.code, error.title, error.message), headers: error.headers };
  }
  if (error instanceof UserError) return refusalOfUserError(error);
  const refused = refusalOfTemporal(error);
  if (refused) return plain(502, 'temporal_refused', 'Temporal refuses', refused.message);
  const { statusCode, code, message } = error as Partial<FastifyError>;
  if (statusCode === 413)
    return plain(413, 'too_large', 'Too large', 'The body is over the limit; send less.');
  if (statusCode && statusCode >= 400 && statusCode < 500) {
    const known = code?.toLowerCase().replace(/^fst_err_(ctp_)?/, '') ?? 'bad_request';
    return plain(statusCode, known, 'The request can not be used', `${message?.replace(/\.$/, '')}.`);
  }
  return plain(500, 'internal', 'A fault of the gateway', 'This should not happen; the log says more.');
}

function refusalOfUserError(error: UserError): Refusal {
  const [, status = 400, title = 'The request can not be used'] =
    STATUSES.find(([type]) => error instanceof type) ?? [];
  const document = problem(status, error.code, title, detailOf(error));
  if (error instanceof JobError) {
    document.job_id = error.jobId;
    // the record under a mismatched id is the answer to another input
    if (error.record && !(error instanceof InputMismatchError)) document.record = error.record;
  }
  const headers: Record<string, string> = status === 503 ? { 'retry-after': String(RETRY_AFTER_S) } : {};
  return { problem: document, headers };
}

/** Where this machine has its keys and its store is nothing for a caller; the log says it. */
function detailOf(error: UserError): string {
  if (error instanceof UnreachableError && error.part === 'store') {
    return `The store does not answer; send the request again in ${RETRY_AFTER_S} s. What was acknowledged is kept.`;
  }
  if (!(error instanceof EncryptionKeyMissingError)) return error.message;
  return `The record is sealed with key ${error.keyId}, which this gateway does not have; its log says more.`;
}

function plain(status: number, code: string, title: string, detail: string): Refusal {
  return { problem: problem(status, code, title, detail), headers: {} };
}

function problem(status: number, code: string, title: string, detail: string): Problem {
  return { type: `urn:infer-once:problem:${code}`, title, status, detail, code };
}

/** Answers with the problem document. */
export function sendProblem(reply: FastifyReply, { problem, headers }: Refusal): FastifyReply {
  return reply
    .code(problem.status)
    .headers(headers)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problem);
}
