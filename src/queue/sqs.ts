import { GetQueueAttributesCommand, type Message, SQSClient } from '@aws-sdk/client-sqs';
import { Consumer } from 'sqs-consumer';
import type { ConsumeOptions, Delivery, JobQueue, QueueFacts } from './queue';
import { toQueueFault } from './sqs-faults';

/** The most that SQS hands out, or deletes, at once. */
const MOST_AT_ONCE = 10;
/** The longest long poll. */
const POLL_SECONDS = 20;
const CONNECT_TIMEOUT_MS = 5_000;
/** Longer than a poll: a connection that died silently is noticed. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than anything in hand takes. */
const DRAIN_MS = 10 * 60_000;

/**
 * An SQS queue. Region, keys and, where it is set, the endpoint are as the AWS SDK's own environment says
 * (`AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL_SQS`, roles); the region of an AWS URL is its own.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
 */
export function openSqsQueue(url: URL): JobQueue {
  return new SqsQueue(url.href);
}

class SqsQueue implements JobQueue {
  private readonly sqs: SQSClient;

  constructor(readonly name: string) {
    // the SDK's own switch; without it each start warns of a Node version that it still runs on
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    this.sqs = new SQSClient({
      ...placeOf(new URL(name)),
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
    });
  }

  async check(): Promise<QueueFacts> {
    try {
      const command = new GetQueueAttributesCommand({
        QueueUrl: this.name,
        AttributeNames: ['RedrivePolicy'],
      });
      const { Attributes } = await this.sqs.send(command);
      return { hasRedrivePolicy: Boolean(Attributes?.RedrivePolicy) };
    } catch (error) {
      throw toQueueFault(error, this.name);
    }
  }

  async consume(options: ConsumeOptions, stop: AbortSignal): Promise<void> {
    await Promise.all(lanes(options.concurrency).map((size) => this.consumeLane(size, options, stop)));
  }

  close(): void {
    this.sqs.destroy();
  }

  /** One poll after the other, a batch each. */
  private consumeLane(batchSize: number, options: ConsumeOptions, stop: AbortSignal): Promise<void> {
    let isReceiving = false;
    const consumer = Consumer.create({
      sqs: this.sqs,
      queueUrl: this.name,
      batchSize,
      waitTimeSeconds: POLL_SECONDS,
      pollingCompleteWaitTimeMs: DRAIN_MS,
      messageSystemAttributeNames: ['ApproximateReceiveCount'],
      strictReturn: true,
      // jobs know no order; its warning would go to stdout
      suppressFifoWarning: true,
      async preReceiveMessageCallback() {
        await options.ready();
        stop.throwIfAborted();
        isReceiving = true;
      },
      async postReceiveMessageCallback() {
        isReceiving = false;
      },
      handleMessageBatch: (messages) => handleBatch(messages, options),
    });
    consumer.on('error', (error) => {
      isReceiving = false;
      if (!stop.aborted) options.onFault(toQueueFault(error, this.name));
    });
    return new Promise((stopped) => {
      consumer.once('stopped', () => stopped());
      // a poll may end at once, an acknowledgement may not
      const end = () => consumer.stop({ abort: isReceiving });
      consumer.start();
      if (stop.aborted) end();
      else stop.addEventListener('abort', end, { once: true });
    });
  }
}

/** Those to be acknowledged; sqs-consumer deletes them in one request. */
async function handleBatch(messages: Message[], { handle }: ConsumeOptions): Promise<Message[]> {
  const verdicts = await Promise.all(messages.map((message) => handle(toDelivery(message))));
  return messages.filter((_, index) => verdicts[index] === 'acknowledge');
}

function toDelivery({ MessageId, Body, Attributes }: Message): Delivery {
  const receives = Number(Attributes?.ApproximateReceiveCount);
  return { id: MessageId ?? '', body: Body ?? '', receives: receives || null };
}

/** As many polls as it takes to have so many messages in hand. */
function lanes(concurrency: number): number[] {
  const count = Math.ceil(concurrency / MOST_AT_ONCE);
  return Array.from({ length: count }, (_, index) => Math.floor((concurrency + index) / count));
}

/** The region of an AWS URL; of another, the endpoint itself, unless the environment names one. */
function placeOf({ hostname, origin }: URL): { region?: string; endpoint?: string } {
  const region = /^sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(hostname)?.[1];
  if (region) return { region };
  const { AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL } = process.env;
  return AWS_ENDPOINT_URL_SQS || AWS_ENDPOINT_URL ? {} : { endpoint: origin };
}
