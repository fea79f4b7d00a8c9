import {
  ConfigError,
  InputMismatchError,
  JobCanceledError,
  JobFailedError,
  JobForgottenError,
  JobInDoubtError,
  JobTimeoutError,
  StoreCorruptError,
  UnreachableError,
  UserError,
} from '../errors';
import type { JobRecord } from '../job';

/** What the program ends with; part of its contract. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notInTime: 3,
  mismatch: 4,
  inDoubt: 5,
  unreachable: 6,
  forgotten: 7,
  /** A fault of this program. */
  bug: 70,
} as const;

/** What each exit code means, for `--help`. */
export const EXIT_MEANINGS: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'the job failed or was canceled',
  2: 'usage: an option, id, input, task or the configuration is wrong, a port is taken, or the job is in no state for this',
  3: 'not done in time; the job goes on',
  4: 'the id exists with another task or input',
  5: 'the job is in doubt and no longer recovering; settle it with resolve',
  6: 'a part is unreachable; trying again is safe',
  7: 'the job was forgotten',
};

/** Codes of errors that are about a part, not about what the user wrote. */
const PART_CODES = [
  'temporal_start_failed',
  'temporal_binary_missing',
  'temporal_ended',
  'offline_model_failed',
  'worker_failed',
  'gateway_failed',
  'temporal_refused',
];

/** The exit code of an error. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof UserError)) return EXIT.bug;
  if (error instanceof JobFailedError) return error.code === 'invalid_input' ? EXIT.usage : EXIT.failed;
  if (error instanceof JobCanceledError) return EXIT.failed;
  if (error instanceof JobTimeoutError) return EXIT.notInTime;
  if (error instanceof InputMismatchError) return EXIT.mismatch;
  if (error instanceof JobInDoubtError) return EXIT.inDoubt;
  if (error instanceof JobForgottenError) return EXIT.forgotten;
  if (error instanceof ConfigError) return EXIT.usage;
  if (error instanceof UnreachableError || error instanceof StoreCorruptError) return EXIT.unreachable;
  return PART_CODES.includes(error.code) ? EXIT.unreachable : EXIT.usage;
}

/** The exit code that tells how a job is: of `status` and `submit`. */
export function exitCodeOfRecord(record: JobRecord): number {
  switch (record.status) {
    case 'COMPLETED':
      return EXIT.done;
    case 'FAILED':
      return record.error?.code === 'invalid_input' ? EXIT.usage : EXIT.failed;
    case 'CANCELED':
      return EXIT.failed;
    case 'FORGOTTEN':
      return EXIT.forgotten;
    case 'IN_DOUBT':
      return record.doubt?.recovering ? EXIT.notInTime : EXIT.inDoubt;
    default:
      return EXIT.notInTime;
  }
}
