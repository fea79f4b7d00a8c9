import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An SQS endpoint that swallows some requests: they never reach the queue, and are never answered. */
export interface SqsProxy {
  /** The URL of a queue through this proxy. */
  through(queueUrl: string): string;
  /** Resolves when so many requests were swallowed. */
  swallowed(count: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts a proxy before an SQS server.
 *
 * @param action - what it swallows, e.g. `DeleteMessageBatch`
 */
export async function startSqsProxy(serverUrl: string, action: string): Promise<SqsProxy> {
  let count = 0;
  const proxy = createServer((incoming, answer) => {
    if (incoming.headers['x-amz-target'] === `AmazonSQS.${action}`) {
      count += 1;
      proxy.emit('swallowed');
      return;
    }
    const { method, url = '/', headers } = incoming;
    const outgoing = request(new URL(url, serverUrl), { method, headers }, (response) => {
      answer.writeHead(response.statusCode!, response.headers);
      response.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    answer.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return {
    through: (queueUrl) => origin + new URL(queueUrl).pathname,
    async swallowed(wanted) {
      while (count < wanted) await once(proxy, 'swallowed');
    },
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
