import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { findPythonPackages, PYTHON } from './python';
import { until } from './until';

const SERVER = join(__dirname, 'sqs_server.py');
const MOTO = ['moto==5.2.1', 'flask==3.1.3', 'flask-cors==6.0.5'] as const;

/** What the AWS SDK of a process under test is told; nothing of the machine's own AWS settings. */
export const AWS_ENV: NodeJS.ProcessEnv = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_ENDPOINT_URL: undefined,
  AWS_ENDPOINT_URL_SQS: undefined,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: undefined,
};
// in the tests' own process alone: that the product keeps it quiet is for the product to show
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

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
  const folder = findPythonPackages(...MOTO);
  if (!folder) throw new Error(`pip can't fetch ${MOTO[0]}, the SQS server that these tests need`);
  const env = { ...process.env, ...AWS_ENV, PYTHONPATH: folder };
  const child = spawn(PYTHON, [SERVER], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const url = line.replace('ready ', '');
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const sqs = new SQSClient({ region: AWS_ENV.AWS_REGION, endpoint: url, credentials });
  return {
    url,
    makeQueue: (name, spec = {}) => makeQueue(sqs, name, spec),
    async stop() {
      sqs.destroy();
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
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
