import {
  InputMismatchError,
  JobCanceledError,
  JobFailedError,
  JobForgottenError,
  JobInDoubtError,
} from '../errors';
import type { JobRecord } from '../job';

/** The record of a job that went well; anything else as its typed error. */
export function succeed(record: JobRecord): JobRecord {
  switch (record.status) {
    case 'COMPLETED':
      return record;
    case 'CANCELED':
      throw new JobCanceledError(record);
    case 'FORGOTTEN':
      throw new JobForgottenError(record.job_id, record);
    case 'IN_DOUBT':
      throw new JobInDoubtError(record);
    default:
      throw new JobFailedError(record);
  }
}

/** Every read on behalf of a submission compares: another input may have replaced an invalid one. */
export function compareDigest<R extends JobRecord>(record: R, digest: string): R {
  if (record.status !== 'FORGOTTEN' && record.input_digest !== digest) {
    throw new InputMismatchError(record.job_id, record);
  }
  return record;
}
