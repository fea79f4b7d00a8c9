import { ConfigError, StoreCorruptError, UnreachableError } from '../errors';

const RIGHTS =
  'dynamodb:GetItem, BatchGetItem, PutItem, UpdateItem, DeleteItem, Query and Scan on it and on its index';

const CONFIG_FAULTS: Record<string, string> = {
  ResourceNotFoundException: 'there is no such table; infer-once setup makes it',
  AccessDeniedException: `these AWS credentials may not use it; allow ${RIGHTS}`,
  UnrecognizedClientException: 'AWS does not know these credentials',
  InvalidClientTokenId: 'AWS does not know these credentials',
  InvalidSignatureException: 'the AWS secret access key is wrong',
  MissingAuthenticationTokenException: 'there are no AWS credentials',
  IncompleteSignatureException: 'the AWS credentials are not whole',
  ExpiredTokenException: 'the AWS credentials have expired',
  CredentialsProviderError:
    'there are no AWS credentials; give the process a role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ValidationException: 'it is the table of another program; name another one in INFER_ONCE_STORE_URL',
};

const THROTTLED = 'takes no more requests now; raise its limits, or wait';

const AWAY: Record<string, string> = {
  ProvisionedThroughputExceededException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  ThrottlingException: THROTTLED,
  ResourceNotFoundException: 'is gone; restore it from a backup, or run infer-once setup for an empty store',
  AccessDeniedException: `may not be used by these AWS credentials any more; allow ${RIGHTS}`,
  ExpiredTokenException: 'takes no requests by AWS credentials that have expired; renew them',
};

/**
 * A fault of a store in use, in words for people; every one of them is safe to try again later. The SDK's own
 * message is left out: it may hold account numbers.
 *
 * @param name - of the table
 */
export function toDynamoFault(error: unknown, name: string): Error {
  if (error instanceof UnreachableError || error instanceof StoreCorruptError) return error;
  const { name: kind, code } = error as Error & { code?: string };
  const why = AWAY[kind] ?? `does not answer (${code ?? kind}); see that it can be reached`;
  return new UnreachableError('store', `The store in ${name} ${why}.`, error);
}

/** A fault at opening: mostly something in the URL, the AWS settings or the rights. */
export function toDynamoOpenFault(error: unknown, name: string): Error {
  if (error instanceof ConfigError) return error;
  const cause = error instanceof UnreachableError ? error.cause : error;
  const why = isWithoutRegion(cause)
    ? 'no AWS region is set; add ?region=… to INFER_ONCE_STORE_URL, or set AWS_REGION'
    : CONFIG_FAULTS[(cause as Error | undefined)?.name ?? ''];
  return why
    ? new ConfigError(`The store in ${name} can't be opened: ${why}.`, cause)
    : toDynamoFault(error, name);
}

function isWithoutRegion(error: unknown): boolean {
  return error instanceof Error && error.message === 'Region is missing';
}
