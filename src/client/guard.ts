import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { UnreachableError } from '../errors';

const AWAY = new Set([4, 14]);
/** RESOURCE_EXHAUSTED: a limit of the namespace, which passes. */
const AT_LIMIT = 8;

/**
 * Turns the client's errors for "Temporal is away" into ours, which says so in a sentence; others pass.
 *
 * @throws UnreachableError for the gRPC statuses UNAVAILABLE, DEADLINE_EXCEEDED and RESOURCE_EXHAUSTED
 */
export async function guard<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const status = grpcStatus(error);
    if (AWAY.has(status)) {
      throw new UnreachableError(
        'temporal',
        'Temporal does not answer; check that it runs and that TEMPORAL_ADDRESS names it, then try again.',
        error,
      );
    }
    if (status === AT_LIMIT) {
      throw new UnreachableError(
        'temporal',
        "Temporal is at a limit of its namespace; try again later, and look at the namespace's limits where it goes on.",
        error,
      );
    }
    throw error;
  }
}

/** Whether Temporal refused because its namespace is at a limit (of its long polls, say); what it would say can be asked later. */
export function isAtLimit(error: unknown): boolean {
  return error instanceof UnreachableError && grpcStatus(error.cause) === AT_LIMIT;
}

/** OK where it is no error of gRPC's. */
function grpcStatus(error: unknown): number {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) ? cause.code : 0;
}
