import type { FastifyRequest } from 'fastify';
import type { JobLog } from '../../log';
import { HttpError } from './http-error';

/**
 * Logs why a request was answered by 500 or more. Of a fault of ours it says where it is, and never its message,
 * which may be anybody's and stands in the stack's first lines too. A refusal that is made on purpose (too many
 * wait, the gateway stops) is no fault: a crowd would flood the log with it.
 *
 * @param told - the status and code that the caller was told
 */
export function logFault(
  log: JobLog,
  request: FastifyRequest,
  error: unknown,
  told: { status: number; code: string },
): void {
  if (told.status < 500 || error instanceof HttpError) return;
  const { name, message, stack } = error as Error;
  const where = stack
    ?.split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 6);
  const isOurs = told.code === 'internal';
  log.error(
    { route: request.routeOptions.url, ...told, name, ...(isOurs ? { where } : { message }) },
    'request failed',
  );
}
