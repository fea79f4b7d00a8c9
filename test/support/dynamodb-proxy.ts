import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A way to a DynamoDB endpoint that a test can let fail. */
export interface DynamoProxy {
  url: string;
  /** Refuses the next so many requests, as a table does whose limits are reached. */
  throttle(count: number): void;
  /** Does the next write of a job's row, then something else, and cuts the connection in place of a reply. */
  loseNextReply(meanwhile?: () => Promise<unknown>): void;
  /** Lets something else happen before the next read of a text in pieces. */
  beforeNextPieces(meanwhile: () => Promise<unknown>): void;
  /** How many requests came in so far, by action, e.g. `PutItem`. */
  seen(action: string): number;
  close(): Promise<void>;
}

const THROTTLED = JSON.stringify({
  __type: 'com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException',
  message: 'arn:aws:dynamodb:eu-west-1:123456789012:table/secret',
});

/** Opens one before a server. */
export async function openDynamoProxy(serverUrl: string): Promise<DynamoProxy> {
  const seen: string[] = [];
  let throttled = 0;
  let lost: (() => Promise<unknown>) | null = null;
  let first: (() => Promise<unknown>) | null = null;

  async function serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method, url = '/', headers } = incoming;
    const action = String(headers['x-amz-target']).replace('DynamoDB_20120810.', '');
    seen.push(action);
    const body = await buffer(incoming);
    if (throttled > 0) {
      throttled -= 1;
      answer.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' }).end(THROTTLED);
      return;
    }
    if (first && action === 'Query' && body.includes('"piece#')) {
      const meanwhile = first;
      first = null;
      await meanwhile();
    }
    const isRow = action === 'PutItem' && body.includes('"sk":{"S":"row"}');
    const meanwhile = isRow ? lost : null;
    if (isRow) lost = null;
    const outgoing = request(new URL(url, serverUrl), { method, headers }, async (response) => {
      if (meanwhile) {
        response.resume();
        await meanwhile();
        answer.destroy();
        return;
      }
      answer.writeHead(response.statusCode!, response.headers);
      response.pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    outgoing.end(body);
  }

  const proxy = createServer((incoming, answer) => void serve(incoming, answer));
  // longer than any pause between two tries
  proxy.keepAliveTimeout = 60_000;
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    throttle(count) {
      throttled = count;
    },
    loseNextReply(meanwhile = async () => undefined) {
      lost = meanwhile;
    },
    beforeNextPieces(meanwhile) {
      first = meanwhile;
    },
    seen: (action) => seen.filter((one) => one === action).length,
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      await once(proxy, 'close');
    },
  };
}
