import { ConfigError } from '../errors';
import type { JobQueue } from './queue';

const EXAMPLE = 'https://sqs.eu-west-1.amazonaws.com/123456789012/jobs';

/**
 * Opens the queue that a URL names: an SQS queue's own URL, `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`,
 * or that of a queue at any endpoint that speaks SQS. Nothing is asked of it yet.
 *
 * @example
 * const queue = await openQueue('https://sqs.eu-west-1.amazonaws.com/123456789012/jobs');
 * @throws ConfigError for a URL that no adapter serves
 */
export async function openQueue(text: string): Promise<JobQueue> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === 'https:' || url?.protocol === 'http:') {
    checkSqsUrl(url);
    // the AWS SDK is loaded by those who use it
    const { openSqsQueue } = await import('./sqs.js');
    return openSqsQueue(url);
  }
  // its scheme alone: the rest of another queue's URL may hold a password
  const scheme = text.match(/^[a-z][a-z+]*:/i)?.[0] ?? 'without a scheme';
  throw new ConfigError(
    `The queue URL (${scheme}) names no known queue; use an SQS queue's, e.g. ${EXAMPLE}.`,
  );
}

function checkSqsUrl(url: URL): void {
  if (url.username || url.password) {
    throw new ConfigError(
      "The queue URL holds a name or a password; give it without, the keys come from AWS's own environment (AWS_ACCESS_KEY_ID, AWS_PROFILE, a role).",
    );
  }
  if (url.pathname.split('/').filter(Boolean).length < 2 || url.search || url.hash) {
    throw new ConfigError(`The queue URL must end with ACCOUNT/NAME, e.g. ${EXAMPLE}.`);
  }
}
