import { request } from 'node:http';
import { JobClient } from '../../src/client';
import { loadConfig } from '../../src/config';
import type { GatewayDeps } from '../../src/gateway/deps';
import { findKey, makeKey } from '../../src/gateway/keys/key';
import { clientsByTenant, reachTemporal } from '../../src/gateway/run';
import { buildGateway } from '../../src/gateway/server';
import type { JobRecord } from '../../src/job';
import { createMetrics } from '../../src/metrics';
import { loadTasks } from '../../src/tasks/registry';
import { quietLog, type World } from '../support/world';

/** An answer of the gateway, read to its end. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test says itself what it expects there
  body: any;
}

/** A gateway in this process that listens on a port of its own. */
export interface TestGateway {
  url: string;
  app: ReturnType<typeof buildGateway>;
  /** One request; `body` travels as JSON, or as it is where it is text or bytes. */
  send(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Answer>;
  stop(): Promise<void>;
}

export async function startGateway(
  world: Pick<World, 'client' | 'store' | 'model' | 'address'>,
  {
    env = {},
    port = 0,
    ...overrides
  }: Partial<GatewayDeps> & { env?: Record<string, string>; port?: number } = {},
): Promise<TestGateway> {
  const { client, store, model } = world;
  const app = buildGateway({
    jobs: clientsByTenant({ client, store }),
    keys: null,
    tasks: await loadTasks(),
    store,
    config: loadConfig(env),
    log: quietLog,
    runsUrl: null,
    metrics: createMetrics(),
    upstream: { baseUrl: model.baseUrl, apiKey: 'test-key' },
    reachTemporal: () => reachTemporal(client, world.address),
    ...overrides,
  });
  const url = await app.listen({ host: '127.0.0.1', port });
  return { url, app, send: (...request) => send(url, ...request), stop: () => app.close() };
}

export async function send(
  url: string,
  method: string,
  path: string,
  { body, headers, signal }: Parameters<TestGateway['send']>[2] = {},
): Promise<Answer> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url + path, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    body: body === undefined ? undefined : isRaw ? (body as string) : JSON.stringify(body),
    signal,
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

/** What `PUT /v1/jobs/{job_id}` takes for a film. */
export const film = (title: string) => ({ task: 'enrich', input: { title } });

/** A client on another store's side: what the gateway must agree with. */
export function clientOf({ client, store }: World, tenant: string | null = null): JobClient {
  return new JobClient({ client, store, tenant });
}

export type { JobRecord };

/** A request whose path goes out as it is written: `fetch` would resolve its dots first. */
export function sendVerbatim(
  url: string,
  method: string,
  path: string,
  { body, headers }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((done, failed) => {
    const sent = request({ hostname, port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        done({ status: response.statusCode!, text: Buffer.concat(chunks).toString() }),
      );
    });
    sent.on('error', failed);
    if (body !== undefined) sent.setHeader('content-type', 'application/json');
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Keys of these tenants, and what a gateway asks of them. */
export function keysOf(...tenants: string[]) {
  const made = tenants.map((tenant) => makeKey(tenant, new Date(), undefined));
  const entries = new Map(made.map(({ entry }) => [entry.id, entry]));
  return {
    keys: { find: (key: string) => findKey(entries, key) },
    headers: Object.fromEntries(
      made.map(({ key, entry }) => [entry.tenant, { authorization: `Bearer ${key}` }]),
    ),
  };
}
