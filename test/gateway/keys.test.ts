import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeyRing } from '../../src/gateway/keys/key-ring';
import { readKeysFile } from '../../src/gateway/keys/keys-file';
import { startCli } from '../cli/support';
import { until } from '../support/until';
import { quietLog, startWorld, type World } from '../support/world';
import { startGateway, type TestGateway } from './support';

const folder = mkdtempSync(join(tmpdir(), 'infer-once-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));

const keys = (...args: string[]) => startCli(['keys', ...args], { cwd: folder }).ended;

async function addKey(file: string, ...args: string[]): Promise<{ key: string; id: string }> {
  const { code, stdout } = await keys('add', ...args, '--file', file);
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe('the keys file', () => {
  test('holds no key, only what it is known again by, and is its owner’s alone', async () => {
    const { key } = await addKey('made.json', 'alpha');
    const path = join(folder, 'made.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).not.toContain(key.slice(-43));
    const { stdout, stderr } = await keys('list', '--file', 'made.json');
    expect(JSON.parse(stdout)).toMatchObject({ tenant: 'alpha' });
    expect(stdout + stderr).not.toContain('sha256');
  });

  test('shows the limits that its keys were given', async () => {
    await addKey('limits.json', 'alpha', '--rps', '5', '--burst', '20', '--max-waiting', '100');
    const { stdout } = await keys('list', '--file', 'limits.json');
    expect(JSON.parse(stdout).limits).toEqual({ rps: 5, burst: 20, max_waiting: 100 });
  });

  test('keys added at the same time are all there', async () => {
    await Promise.all(['a', 'b', 'c', 'd'].map((tenant) => addKey('many.json', tenant)));
    const { stdout } = await keys('list', '--file', 'many.json');
    expect(stdout.trim().split('\n')).toHaveLength(4);
  });

  test('keeps who may read it, and where it really is', async () => {
    await addKey('real.json', 'alpha');
    const path = join(folder, 'real.json');
    chmodSync(path, 0o640);
    symlinkSync('real.json', join(folder, 'link.json'));
    await addKey('link.json', 'beta');
    expect(lstatSync(join(folder, 'link.json')).isSymbolicLink()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect([...readKeysFile(path).values()].map(({ tenant }) => tenant)).toEqual(['alpha', 'beta']);
  });

  test.each([
    ['a tenant that is none', ['add', 'No Tenant', '--file', 'x.json'], 'A tenant is 1 to 63'],
    ['a file that is not there', ['list', '--file', 'none.json'], 'keys add TENANT makes it'],
    ['no file', ['list'], 'INFER_ONCE_GATEWAY_KEYS_FILE'],
    ['an id that is none', ['revoke', '000000000000', '--file', 'made.json'], 'no key "000000000000"'],
  ])('%s is said in a sentence', async (_, args, says) => {
    const { code, stderr } = await keys(...args);
    expect({ code, says: stderr.includes(says) }).toEqual({ code: 2, says: true });
  });

  test.each([
    ['it may not be shown', 'secret-text{'],
    ['a hash of another length', { keys: [{ id: '000000000000', tenant: 'a', sha256: 'ab' }] }],
    ['an unknown field', { keys: [], more: 1 }],
  ])('a broken one is named, and nothing of it is shown: %s', async (_, content) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(join(folder, 'broken.json'), text);
    const { code, stderr } = await keys('list', '--file', 'broken.json');
    expect(code).toBe(2);
    expect(stderr).toContain('The keys file broken.json');
    expect(stderr).not.toContain('secret-text');
  });
});

describe('a gateway with keys', () => {
  const file = join(folder, 'live.json');
  let world: World;
  let gateway: TestGateway;
  let ring: KeyRing;
  const logged: string[] = [];

  beforeAll(async () => {
    world = await startWorld();
    await addKey(file, 'first');
    ring = new KeyRing(file, { ...quietLog, error: (_, event) => void logged.push(event) });
    gateway = await startGateway(world, { keys: ring });
  });

  afterAll(async () => {
    ring.close();
    await gateway.stop();
    await world.stop();
  });

  const stats = (headers?: Record<string, string>) => gateway.send('GET', '/v1/stats', { headers });
  const bearer = (key: string) => stats({ authorization: `Bearer ${key}` });

  test('without a key, or with a wrong one, nothing is answered: 401 that says what is wanted', async () => {
    const { key } = await addKey(file, 'right');
    await until('the key is known', async () => (await bearer(key)).status === 200);
    const wrong = [undefined, 'Basic eDp5', `Bearer ${key.slice(0, -1)}`, `Bearer ${key}x`, 'Bearer x', key];
    for (const authorization of wrong) {
      const { status, headers, body } = await stats(authorization ? { authorization } : undefined);
      expect({ authorization, status, code: body.code }).toMatchObject({ status: 401, code: 'unauthorized' });
      expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="infer-once"/);
    }
    for (const path of ['/v1/jobs/x', '/v1/jobs', '/no/such/path', '/v1/chat/completions']) {
      expect((await gateway.send('GET', path)).status).toBe(401);
    }
    expect((await gateway.send('GET', '/healthz')).status).toBe(200);
  });

  test('a key that is added counts without a restart, and one that is revoked no more', async () => {
    const { key, id } = await addKey(file, 'second');
    await until('the key is known', async () => (await bearer(key)).status === 200);
    expect((await keys('revoke', id, '--file', file)).code).toBe(0);
    await until('the key is known no more', async () => (await bearer(key)).status === 401);
  });

  test('a file that breaks leaves the last good keys in force, and the log says so', async () => {
    const { key } = await addKey(file, 'third');
    await until('the key is known', async () => (await bearer(key)).status === 200);
    const good = readFileSync(file);
    writeFileSync(file, '{"keys": [');
    await until('it is logged', () => logged.some((event) => event.startsWith('keys file not read')));
    expect((await bearer(key)).status).toBe(200);
    writeFileSync(file, good);
  });

  test('a key over its limit gets 429 and when to come back; others are served', async () => {
    const { key } = await addKey(file, 'limited', '--rps', '1', '--burst', '3');
    const { key: other } = await addKey(file, 'unlimited');
    await until('the keys are known', async () => (await bearer(other)).status === 200);
    const answers = [];
    for (let sent = 0; sent < 5; sent += 1) answers.push(await bearer(key));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
    expect(Number(answers[4]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answers[4]!.body).toMatchObject({ status: 429, code: 'rate_limited' });
    for (let sent = 0; sent < 10; sent += 1) expect((await bearer(other)).status).toBe(200);
  });
});

test('without a keys file the caller’s bearer is ignored', async () => {
  const world = await startWorld();
  const gateway = await startGateway(world);
  const headers = { authorization: 'Bearer sk-whatever' };
  expect((await gateway.send('GET', '/v1/stats', { headers })).status).toBe(200);
  await gateway.stop();
  await world.stop();
});

test.each(['0.0.0.0', '::', '192.0.2.1'])(
  'off loopback (%s) it refuses to start without keys',
  async (host) => {
    const env = {
      INFER_ONCE_STORE_URL: 'sqlite:store.db',
      INFER_ONCE_GATEWAY_HOST: host,
      OPENAI_API_KEY: 'x',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    };
    const { code, stderr } = await startCli(['gateway'], { cwd: folder, env }).ended;
    expect(code).toBe(2);
    expect(stderr).toContain(`would listen on ${host} without keys`);
  },
);
