import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCli } from '../cli/support';
import { AWS_ENV } from '../support/moto-server';
import { type SqsServer, startSqsServer } from '../support/sqs-server';

const folder = mkdtempSync(join(tmpdir(), 'infer-once-queue-'));
let sqs: SqsServer;
let web: Server;
beforeAll(async () => {
  sqs = await startSqsServer();
  web = createServer((_, answer) => answer.writeHead(404).end('<html>no such page</html>')).listen(
    0,
    '127.0.0.1',
  );
  await once(web, 'listening');
}, 240_000);
afterAll(async () => {
  await sqs.stop();
  web.close();
  rmSync(folder, { recursive: true });
});

const consume = (url: string, env: NodeJS.ProcessEnv = {}) =>
  startCli(['consume', '--queue', url], {
    cwd: folder,
    env: {
      ...{ TEMPORAL_ADDRESS: '127.0.0.1:1', INFER_ONCE_STORE_URL: 'sqlite:store.db' },
      ...{ ...AWS_ENV, ...env },
    },
  }).ended;

const place = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/1/jobs`;

const FAULTS: [what: string, url: () => string, code: number, says: string, env?: NodeJS.ProcessEnv][] = [
  [
    'nobody listens',
    () => 'http://127.0.0.1:1/1/jobs',
    6,
    'does not answer at http://127.0.0.1:1/1/jobs (ECONNREFUSED)',
  ],
  ['no such host', () => 'http://queue.invalid/1/jobs', 6, 'does not answer at http://queue.invalid/1/jobs'],
  [
    'no such queue',
    () => `${sqs.url}/123456789012/none`,
    2,
    '/123456789012/none; check its region, account and name',
  ],
  ['no queue at all', () => place(web), 2, 'is no SQS queue; check its URL'],
  [
    'no keys',
    () => `${sqs.url}/1/jobs`,
    2,
    'No AWS credentials were found',
    { AWS_ACCESS_KEY_ID: undefined },
  ],
  ['no region', () => `${sqs.url}/1/jobs`, 2, 'set AWS_REGION', { AWS_REGION: undefined }],
];

// jest takes a missing last argument for its callback
test.each(FAULTS.map(([what, url, code, says, env = {}]) => [what, url, code, says, env] as const))(
  "a queue that can't be used is told in one sentence: %s",
  async (_, url, code, says, env) => {
    const said = await consume(url(), env);
    expect(said).toMatchObject({ code, stdout: '' });
    expect(said.stderr).toContain(says);
    expect(said.stderr).toMatch(/^infer-once: [^\n]+\n$/);
  },
);

test('a queue that is there, and no Temporal: one sentence that names its address, and 6', async () => {
  const { url } = await sqs.makeQueue('alone');
  const said = await consume(url);
  expect(said).toEqual({
    ...{ code: 6, stdout: '' },
    stderr:
      'infer-once: Temporal does not answer at 127.0.0.1:1; start it (infer-once dev does), or set TEMPORAL_ADDRESS.\n',
  });
});
