import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An SQS endpoint that counts requests, and swallows some: they never reach the queue, and are never answered. */
export interface SqsProxy {
  /** The URL of a queue through this proxy. */
  through(queueUrl: string): string;
  /** How many requests of this action came in, e.g. `ReceiveMessage`. */
  seen(action: string): number;
  close(): Promise<void>;
}

/**
 * Starts a proxy before an SQS server.
 *
 * @param swallows - an action, e.g. `DeleteMessageBatch`; default none
 */
export async function startSqsProxy(serverUrl: string, swallows?: string): Promise<SqsProxy> {
  const seen: string[] = [];
  const proxy = createServer((incoming, answer) => {
    const action = String(incoming.headers['x-amz-target']).replace('AmazonSQS.', '');
    seen.push(action);
    if (action === swallows) return;
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
    seen: (action) => seen.filter((one) => one === action).length,
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
