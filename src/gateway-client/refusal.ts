import {
  ConfigError,
  IdInUseError,
  InputMismatchError,
  InvalidInputError,
  InvalidJobIdError,
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
import type { Answer, Wire } from './wire';

/** What of a problem document (RFC 9457) a client needs. */
interface Problem {
  code: string;
  detail: string;
  job_id?: string;
  record?: JobRecord;
}

type Make = (jobId: string, problem: Problem) => UserError;

/** The error that the gateway met, by the code it gave it. Its own sentence replaces the one made here. */
const BY_CODE: Readonly<Record<string, Make>> = {
  invalid_job_id: (id) => new InvalidJobIdError(id, ''),
  invalid_input: (id, { record }) => new InvalidInputError(id, '', record),
  invalid_json: (id) => new InvalidInputError(id, ''),
  unknown_task: () => new UnknownTaskError('', []),
  not_found: (id) => new JobNotFoundError(id),
  wrong_state: (id, { record }) => new WrongStateError(id, '', record),
  id_in_use: (id) => new IdInUseError(id, ''),
  forgotten: (id, { record }) => new JobForgottenError(id, record),
  too_large: (id) => new TooLargeError(id, '', 0, 0, ''),
  input_mismatch: (id) => new InputMismatchError(id),
  store_corrupt: (id) => new StoreCorruptError(id, ''),
  unreachable: (_, { detail }) => new UnreachableError('gateway', detail),
  stopping: (_, { detail }) => new UnreachableError('gateway', detail),
  rate_limited: (_, { detail }) => new UnreachableError('gateway', detail),
  unauthorized: (_, { detail }) => new ConfigError(detail),
};

/**
 * What a gateway's refusal is to a client: the error that `JobClient` throws in its place.
 *
 * @param jobId - whose job the request was about
 */
export function refusalOf(wire: Wire, { status, body }: Answer, jobId = ''): UserError {
  if (status === 401) {
    return new ConfigError(
      `The gateway at ${wire.address} does not take this key, or wants one; set INFER_ONCE_GATEWAY_KEY to one that infer-once keys add made there.`,
    );
  }
  if (!isProblem(body)) {
    // a proxy speaks for a gateway that is away
    if ([429, 502, 503, 504].includes(status)) return wire.away(`is away (HTTP ${status})`);
    return notAGateway(wire, status);
  }
  const { code, detail } = body;
  const error = BY_CODE[code]?.(body.job_id ?? jobId, body) ?? new UserError(detail, { code });
  error.message = detail;
  return error;
}

/** Whoever answers there is none. */
export function notAGateway(wire: Wire, status: number): ConfigError {
  return new ConfigError(
    `What answers at ${wire.address} is no gateway of infer-once (HTTP ${status}); correct INFER_ONCE_GATEWAY_URL.`,
  );
}

function isProblem(body: object | null): body is Problem {
  const { code, detail } = (body ?? {}) as Partial<Problem>;
  return typeof code === 'string' && typeof detail === 'string';
}
