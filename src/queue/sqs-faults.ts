import { ConfigError, UnreachableError, type UserError } from '../errors';

/** What the AWS SDK throws, and what sqs-consumer makes of it. */
interface SqsFault {
  name?: string;
  message?: string;
  /** Of the system's, e.g. ECONNREFUSED. */
  code?: string;
  cause?: unknown;
  $metadata?: { httpStatusCode?: number };
}

const NO_QUEUE = ['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'];
const THROTTLED = ['RequestThrottled', 'OverLimit', 'ThrottlingException'];

/** A fault of an SQS queue as a sentence: ConfigError for what a person has to mend, else UnreachableError. */
export function toQueueFault(error: unknown, queue: string): UserError {
  const fault = original(error);
  const { name = 'Error', code, $metadata } = fault;
  const status = $metadata?.httpStatusCode;
  if (NO_QUEUE.includes(name)) {
    return new ConfigError(`There is no queue at ${queue}; check its region, account and name.`, error);
  }
  if (name === 'CredentialsProviderError') {
    return new ConfigError(
      'No AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role.',
      error,
    );
  }
  if (fault.message === 'Region is missing') {
    return new ConfigError(`The region of the queue at ${queue} is not known; set AWS_REGION.`, error);
  }
  if (status !== undefined && status < 500 && fault instanceof SyntaxError) {
    return new ConfigError(`What answers at ${queue} is no SQS queue; check its URL.`, error);
  }
  if (status !== undefined && status < 500 && status !== 429 && !THROTTLED.includes(name)) {
    return new ConfigError(
      `The queue at ${queue} refuses (${name}); the key or role needs sqs:ReceiveMessage, sqs:DeleteMessage and sqs:GetQueueAttributes on it.`,
      error,
    );
  }
  return new UnreachableError(
    'queue',
    `The queue does not answer at ${queue} (${code ?? name}); check that it is up and that its URL is right.`,
    error,
  );
}

/** The SDK's own error: sqs-consumer hands it on as a cause. */
function original(error: unknown): SqsFault {
  const { name, cause } = (error ?? {}) as SqsFault;
  return name === 'SQSError' && cause ? (cause as SqsFault) : ((error ?? {}) as SqsFault);
}
