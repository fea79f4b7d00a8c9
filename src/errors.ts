import type { JobRecord } from './job';

/**
 * A mistake or outage that a person can act on: its message is one sentence that names the thing and
 * the remedy, and the command line prints it without a stack trace.
 *
 * @example
 * throw new UserError('Port 7233 is in use; pass another with --temporal-port.', { code: 'port_in_use' });
 */
export class UserError extends Error {
  /** A stable word for programs, e.g. `config_invalid`. */
  readonly code: string;

  constructor(message: string, options: { code: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
  }
}

/** The environment or a command line holds something that can't be used. Exit code 2. */
export class ConfigError extends UserError {
  constructor(message: string, cause?: unknown) {
    super(message, { code: 'config_invalid', cause });
  }
}

/** Temporal, the store, the provider or the queue can't be reached. Exit code 6; trying again later is safe. */
export class UnreachableError extends UserError {
  /** Which part: `temporal`, `store`, `provider`, `queue`. */
  readonly part: string;

  constructor(part: string, message: string, cause?: unknown) {
    super(message, { code: 'unreachable', cause });
    this.part = part;
  }
}

/** A store that answers with a row it can't be trusted on; never treated as "no such job". */
export class StoreCorruptError extends UserError {
  constructor(key: string, what: string, cause?: unknown) {
    super(
      `The store's row of job ${key} can't be read (${what}); restore it from a backup before the job goes on.`,
      {
        code: 'store_corrupt',
        cause,
      },
    );
  }
}

/** A row or blob that is sealed with a key which this process has not. Nothing was written. Exit code 2. */
export class EncryptionKeyMissingError extends UserError {
  /** The id of the key that is needed. */
  readonly keyId: string;

  /** @param source - where the keys of this process are; null = it has none */
  constructor(what: string, keyId: string, source: string | null) {
    super(
      source === null
        ? `${what} is sealed with key ${keyId}, and this process has no keys; name their file in INFER_ONCE_ENCRYPTION_KEYS_FILE.`
        : `${what} is sealed with key ${keyId}, which ${source} does not have; add that key to it.`,
      { code: 'encryption_key_missing' },
    );
    this.keyId = keyId;
  }
}

/** Base of every error about one job: carries its id and, where one is known, its record. */
export abstract class JobError extends UserError {
  /** The job's id, without its tenant. */
  readonly jobId: string;
  /** The record as it was when the error arose. */
  readonly record: JobRecord | undefined;

  constructor(
    jobId: string,
    message: string,
    options: { code: string; record?: JobRecord; cause?: unknown },
  ) {
    super(message, options);
    this.jobId = jobId;
    this.record = options.record;
  }
}

/** The id breaks the grammar `[A-Za-z0-9][A-Za-z0-9._:~@+-]{0,254}`. */
export class InvalidJobIdError extends JobError {
  constructor(jobId: string, why: string) {
    super(jobId.slice(0, 80), `Job id ${JSON.stringify(jobId.slice(0, 80))} can't be used: ${why}.`, {
      code: 'invalid_job_id',
    });
  }
}

/** The input can't be a job: not JSON, a number past 2^53, or refused by the task's schema. */
export class InvalidInputError extends JobError {
  constructor(jobId: string, why: string, record?: JobRecord) {
    super(jobId, `The input of job ${jobId} can't be used: ${why}.`, { code: 'invalid_input', record });
  }
}

/** The input is over a size limit; nothing was spent. */
export class TooLargeError extends JobError {
  constructor(jobId: string, what: string, bytes: number, limit: number, remedy: string) {
    super(jobId, `The ${what} of job ${jobId} has ${bytes} bytes, ${limit} are allowed; ${remedy}.`, {
      code: 'too_large',
    });
  }
}

/** No such task in this process. */
export class UnknownTaskError extends UserError {
  constructor(task: string, known: readonly string[]) {
    super(
      `Task ${JSON.stringify(task)} is not known here; known are ${known.join(', ')}. Name a module of your own in INFER_ONCE_TASKS.`,
      { code: 'unknown_task' },
    );
  }
}

/** The same `job_id` was submitted with another task or input before (promise 5). */
export class InputMismatchError extends JobError {
  constructor(jobId: string, record?: JobRecord) {
    super(
      jobId,
      `Job ${jobId} exists with another task or input; the first one stands. Use a new job_id for a new input.`,
      { code: 'input_mismatch', record },
    );
  }
}

/** A workflow of another type holds this id. */
export class IdInUseError extends JobError {
  constructor(jobId: string, workflowType: string) {
    super(jobId, `A workflow of type ${workflowType} holds the id ${jobId}; use another job_id.`, {
      code: 'id_in_use',
    });
  }
}

/** Nothing is known of this job. */
export class JobNotFoundError extends JobError {
  constructor(jobId: string) {
    super(jobId, `Job ${jobId} is not known.`, { code: 'not_found' });
  }
}

/** The job was erased by `forget`; its id stays taken. */
export class JobForgottenError extends JobError {
  constructor(jobId: string, record?: JobRecord) {
    super(jobId, `Job ${jobId} was forgotten; its id can't be used again.`, { code: 'forgotten', record });
  }
}

/** The job ended FAILED; `record.error` says why and `record.billed` whether a call was paid for. */
export class JobFailedError extends JobError {
  constructor(record: JobRecord) {
    const { code, message } = record.error ?? { code: 'unknown', message: 'no reason is on record' };
    super(record.job_id, `Job ${record.job_id} failed (${code}): ${message}`, { code, record });
  }
}

/** The job was canceled. */
export class JobCanceledError extends JobError {
  constructor(record: JobRecord) {
    super(record.job_id, `Job ${record.job_id} was canceled.`, { code: 'canceled', record });
  }
}

/** Nobody can know whether the call was executed, and recovery has stopped asking; a decision is needed. */
export class JobInDoubtError extends JobError {
  constructor(record: JobRecord) {
    super(
      record.job_id,
      `Job ${record.job_id} is in doubt (${record.doubt?.reason ?? 'outcome unknown'}); settle it: infer-once resolve ${record.job_id} --rerun | --adopt FILE | --abandon.`,
      { code: 'in_doubt', record },
    );
  }
}

/** The job was not done in the time the caller gave; it goes on. */
export class JobTimeoutError extends JobError {
  constructor(jobId: string, ms: number, record?: JobRecord) {
    super(jobId, `Job ${jobId} was not done within ${ms} ms; it goes on, ask again with the same id.`, {
      code: 'not_done_in_time',
      record,
    });
  }
}

/** The job is not in a state that allows this act (e.g. `resolve` on a job that isn't in doubt). */
export class WrongStateError extends JobError {
  constructor(jobId: string, why: string, record?: JobRecord) {
    super(jobId, `Job ${jobId}: ${why}.`, { code: 'wrong_state', record });
  }
}

/** What a fault of the network or the system is called, e.g. `ECONNREFUSED`: its message may quote what was sent. */
export function faultCode(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : String(name ?? 'Error');
}
