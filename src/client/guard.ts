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
    const cause = error instanceof ServiceError ? error.cause : error;
    if (isGrpcServiceError(cause) && AWAY.has(cause.code)) {
      throw new UnreachableError(
        'temporal',
        'Temporal does not answer; check that it runs and that TEMPORAL_ADDRESS names it, then try again.',
        error,
      );
    }
    if (isGrpcServiceError(cause) && cause.code === AT_LIMIT) {
      throw new UnreachableError(
        'temporal',
        "Temporal is at a limit of its namespace; try again later, and look at the namespace's limits where it goes on.",
        error,
      );
    }
    throw error;
  }
}
