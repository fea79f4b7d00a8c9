import { ApplicationFailure } from '@temporalio/activity';
import { EncryptionKeyMissingError, StoreCorruptError, UnreachableError, UserError } from '../errors';
import type { JobLog } from './deps';

/**
 * What Temporal is told of an error: retry what may mend itself, fail what can't. An error that is none of
 * ours is named and no more, since its message may quote a prompt and would stay in history.
 */
export function toFailure(log: JobLog, key: string, error: unknown): unknown {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof StoreCorruptError) {
    return ApplicationFailure.nonRetryable(error.message, 'store_corrupt');
  }
  if (error instanceof UnreachableError) {
    return ApplicationFailure.create({ type: 'unreachable', message: error.message });
  }
  if (error instanceof EncryptionKeyMissingError) {
    // for a worker that has the key, or until this one is given it
    return ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nextRetryDelay: '10 seconds',
    });
  }
  if (error instanceof UserError) return ApplicationFailure.nonRetryable(error.message, error.code);
  const { name, stack } = error instanceof Error ? error : { name: typeof error, stack: undefined };
  const where = stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 5);
  log.error({ job_id: key, reason: name, where }, 'unexpected error');
  return ApplicationFailure.create({
    type: 'unexpected',
    message: `unexpected ${name} in a worker; its log says where. The job is tried again.`,
  });
}
