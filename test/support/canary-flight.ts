import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { JobClient } from '../../src';
import { type Stack, startStack } from '../../src/dev/stack';
import { findFreePort } from '../../src/dev/temporal';
import { encryptedDataConverter } from '../../src/encryption/data-converter';
import { initKeysFile, loadEncryptionKeys } from '../../src/encryption/keys-file';
import { makeKey } from '../../src/gateway/keys/key';
import { openStore } from '../../src/store/open';
import { send } from '../gateway/support';
import { rawHistory } from './raw-history';

/** Of what people wrote and models answered, by the kind of text. */
export const CANARY = `canary${randomBytes(6).toString('hex')}`;
/** Of the provider's key. */
export const PROVIDER_KEY = `sk-canary${randomBytes(12).toString('hex')}`;
export const TOKEN = randomBytes(32).toString('hex');
export const IDS = ['well', 'large', 'refused', 'rejected', 'invalid', 'lost'];

/** A whole stack of processes through which canaries have flown, and everything that they left. */
export interface Flight {
  stack: Stack;
  folder: string;
  client: Client;
  lines: string[];
  gatewayKey: string;
  stop(): Promise<void>;
}

/**
 * Starts a stack on its own folder, lets canaries fly through it, and leaves it standing.
 *
 * @param storeUrl - default: a SQLite file in the folder
 */
export async function fly({
  encrypted,
  storeUrl,
}: {
  encrypted: boolean;
  storeUrl?: string;
}): Promise<Flight> {
  const folder = mkdtempSync(join(tmpdir(), 'infer-once-canary-'));
  const keysFile = join(folder, 'encryption-keys.json');
  if (encrypted) initKeysFile(keysFile);
  const { key: gatewayKey, entry } = makeKey('acme', new Date(), undefined);
  const apiKeys = join(folder, 'api-keys.json');
  writeFileSync(apiKeys, JSON.stringify({ keys: [entry] }), { mode: 0o600 });
  const lines: string[] = [];
  const stack = await startStack({
    dataDir: join(folder, 'data'),
    headless: true,
    temporalPort: await findFreePort(),
    gatewayPort: 0,
    storeUrl,
    offline: {},
    env: {
      OPENAI_API_KEY: PROVIDER_KEY,
      INFER_ONCE_LOG_LEVEL: 'trace',
      INFER_ONCE_RECOVERY: 'none',
      INFER_ONCE_SETTLE: '1s',
      INFER_ONCE_SHUTDOWN_GRACE: '1s',
      INFER_ONCE_METRICS_PORT: '0',
      INFER_ONCE_GATEWAY_KEYS_FILE: apiKeys,
      ...(encrypted && { INFER_ONCE_ENCRYPTION_KEYS_FILE: keysFile, INFER_ONCE_CODEC_TOKEN: TOKEN }),
    },
    onWorkerLine: (line) => void lines.push(line),
  });
  const encryption = encrypted ? loadEncryptionKeys(keysFile) : null;
  const client = new Client({
    connection: await Connection.connect({ address: stack.temporalAddress }),
    dataConverter: encryptedDataConverter(encryption),
  });
  const store = await openStore(stack.storeUrl, { encryption });
  const stop = async () => {
    await stack.stop();
    rmSync(folder, { recursive: true });
  };
  try {
    await runJobs(stack, gatewayKey, new JobClient({ client, store, tenant: 'acme' }));
  } finally {
    await store.close();
  }
  return {
    ...{ stack, folder, client, lines, gatewayKey },
    async stop() {
      await client.connection.close();
      await stop();
    },
  };
}

/** Jobs of every end, over HTTP; one is lost and adopted. */
async function runJobs({ offline, gatewayUrl }: Stack, gatewayKey: string, jobs: JobClient): Promise<void> {
  const body = { error: { message: `${CANARY} in the provider's words`, type: 'invalid_request_error' } };
  await offline!.rules(
    { match: { contains: 'refused' }, do: { refusal: `${CANARY} in a refusal` } },
    { match: { contains: 'rejected' }, do: { status: 400, body } },
    { match: { contains: 'lost' }, do: { reset: 'after_billing' } },
    { do: { content: `${CANARY} in an answer` } },
  );
  const headers = { authorization: `Bearer ${gatewayKey}` };
  const put = (id: string, input: unknown) =>
    send(gatewayUrl!, 'PUT', `/v1/jobs/${id}?wait=60`, { body: { task: 'prompt', input }, headers });
  const prompt = (what: string) => ({ prompt: `${CANARY} in a prompt: ${what}`, system: CANARY });
  expect((await put('well', prompt('well'))).body.result.text).toContain(CANARY);
  expect((await put('large', prompt('x'.repeat(100_000)))).body.status).toBe('COMPLETED');
  expect((await put('refused', prompt('refused'))).body.error.code).toBe('refused');
  expect((await put('invalid', { promt: CANARY })).body.error.code).toBe('invalid_input');
  const chat = { model: 'm', messages: [{ role: 'user', content: `${CANARY} rejected` }] };
  const rejected = { ...headers, 'idempotency-key': 'rejected' };
  const answer = await send(gatewayUrl!, 'POST', '/v1/chat/completions', { body: chat, headers: rejected });
  expect(answer).toMatchObject({ status: 400, body });
  const { body: lost } = await put('lost', prompt('lost'));
  expect(lost.status).toBe('IN_DOUBT');
  const adopted = await jobs.resolve('lost', {
    action: 'adopt',
    doubt: lost.doubt.token,
    by: 'ann',
    result: { text: `${CANARY} adopted` },
  });
  expect(adopted.status).toBe('COMPLETED');
}

/** Where the worker and the gateway serve their metrics, as their logs name it. */
function metricsOf(lines: string[]): string[] {
  const urls = lines
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .flatMap(({ msg, url, metrics }) => (msg === 'metrics served' ? url : (metrics ?? [])));
  expect(urls).toHaveLength(2);
  return urls;
}

/** The places, of those that were left, in which a text is found. */
export async function placesOf(text: string, { folder, client, lines }: Flight): Promise<string[]> {
  const places: [string, Buffer][] = [['logs', Buffer.from(lines.join('\n'))]];
  for (const url of metricsOf(lines)) places.push(['metrics', Buffer.from(await (await fetch(url)).text())]);
  for (const id of IDS) places.push([`history of ${id}`, await rawHistory(client, `acme/${id}`)]);
  const data = join(folder, 'data');
  // the ledger is the provider's own
  const files = readdirSync(data).filter((name) => /^(store|temporal)\.db/.test(name));
  for (const name of files) places.push([name, readFileSync(join(data, name))]);
  return places.filter(([, bytes]) => bytes.includes(text)).map(([place]) => place);
}
