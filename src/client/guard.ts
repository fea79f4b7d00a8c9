import { isGrpcServiceError, ServiceError } from '@temporalio/client';
import { UnreachableError } from '../errors';

const AWAY = new Set([4, 14]);

/**
 * Turns the client's errors for "Temporal is away" into ours, which says so in a sentence; others pass.
 *
 * @throws UnreachableError for the gRPC statuses UNAVAILABLE and DEADLINE_EXCEEDED
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
    throw error;
  }
}
