import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { AWS_ENV, startMoto } from './moto-server';
import { until } from './until';

/** How to make a queue. */
export interface QueueSpec {
  /** Seconds; default 1, so that what is left comes back soon. */
  visibility?: number;
  /** With a dead-letter queue after so many receives; default none. */
  maxReceives?: number;
  /** A FIFO queue; its messages are all of one group. */
  fifo?: boolean;
}

/** A queue and its dead-letter queue. */
export interface TestQueue {
  url: string;
  deadUrl: string;
  /** Sends each body, by the AWS SDK. */
  send(...bodies: (object | string)[]): Promise<void>;
  /** How many messages it holds: to be received, and received but not deleted. */
  counts(): Promise<{ visible: number; inFlight: number }>;
  untilEmpty(): Promise<void>;
  /** The bodies in the dead-letter queue, once there are so many. */
  untilDead(count: number): Promise<string[]>;
}

export interface SqsServer {
  url: string;
  /** Queues are apart by their names. */
  makeQueue(name: string, spec?: QueueSpec): Promise<TestQueue>;
  stop(): Promise<void>;
}

/** Starts a real SQS server, a process that ends with this one. */
export async function startSqsServer(): Promise<SqsServer> {
  const { url, stop } = await startMoto();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const sqs = new SQSClient({ region: AWS_ENV.AWS_REGION, endpoint: url, credentials });
  return {
    url,
    makeQueue: (name, spec = {}) => makeQueue(sqs, name, spec),
    async stop() {
      sqs.destroy();
      await stop();
    },
  };
}

async function makeQueue(sqs: SQSClient, name: string, spec: QueueSpec): Promise<TestQueue> {
  const { visibility = 1, maxReceives, fifo } = spec;
  const kind: Record<string, string> = fifo ? { FifoQueue: 'true', ContentBasedDeduplication: 'true' } : {};
  const suffix = fifo ? '.fifo' : '';
  const dead = await sqs.send(
    new CreateQueueCommand({ QueueName: `${name}-dead${suffix}`, Attributes: kind }),
  );
  const attributes = (QueueUrl: string) =>
    sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  const deadLetterTargetArn = (await attributes(dead.QueueUrl!)).Attributes!.QueueArn;
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: maxReceives });
  const { QueueUrl: url } = await sqs.send(
    new CreateQueueCommand({
      QueueName: name + suffix,
      Attributes: { VisibilityTimeout: String(visibility), ...(maxReceives && { RedrivePolicy }), ...kind },
    }),
  );
  const counts = async () => {
    const { Attributes = {} } = await attributes(url!);
    const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: inFlight } =
      Attributes;
    return { visible: Number(visible), inFlight: Number(inFlight) };
  };
  return {
    url: url!,
    deadUrl: dead.QueueUrl!,
    counts,
    async send(...bodies) {
      for (let from = 0; from < bodies.length; from += 10) {
        const Entries = bodies.slice(from, from + 10).map((body, index) => ({
          Id: String(index),
          MessageBody: typeof body === 'string' ? body : JSON.stringify(body),
          ...(fifo && { MessageGroupId: 'one' }),
        }));
        const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }));
        if (Failed.length > 0) throw new Error(`not sent: ${JSON.stringify(Failed)}`);
      }
    },
    async untilEmpty() {
      await until(`the queue ${name} is empty`, async () => {
        const { visible, inFlight } = await counts();
        return visible + inFlight === 0;
      });
    },
    async untilDead(count) {
      const bodies = new Map<string, string>();
      await until(`${count} messages in the dead-letter queue`, async () => {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl: dead.QueueUrl, MaxNumberOfMessages: 10 }),
        );
        for (const { MessageId, Body } of Messages) bodies.set(MessageId!, Body!);
        return bodies.size >= count;
      });
      return [...bodies.values()];
    },
  };
}
