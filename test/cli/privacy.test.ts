import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadEncryptionKeys } from '../../src/encryption/keys-file';
import { openStore } from '../../src/store/open';
import { storedJob } from '../support/stored-job';
import { startCli } from './support';

const folder = mkdtempSync(join(tmpdir(), 'infer-once-privacy-'));
afterAll(() => rmSync(folder, { recursive: true }));

const cli = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  startCli(args, { cwd: folder, env: { TEMPORAL_ADDRESS: '127.0.0.1:1', ...env } }).ended;

const TASKS = `const { defineTask } = require('infer-once'); const { z } = require('zod');
const base = { version: '1', input: z.any(), output: z.any(), parse: (t) => t, model: 'm', prompt: () => 'x' };
module.exports = { a: defineTask({ ...base, name: 'short', keep: '1d' }), b: defineTask({ ...base, name: 'kept' }) };`;

describe('encryption keys by the command line', () => {
  const file = join(folder, 'keys.json');
  const env = { INFER_ONCE_ENCRYPTION_KEYS_FILE: 'keys.json' };

  test('init makes the file, rotate adds a key, and neither shows one', async () => {
    const made = await cli(['encryption-keys', 'init', 'keys.json']);
    expect(made).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/^infer-once: Key .* is in keys.json\./),
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await cli(['encryption-keys', 'init'], env)).toMatchObject({ code: 2 });
    const rotated = await cli(['encryption-keys', 'rotate'], env);
    expect(rotated).toMatchObject({ code: 0, stderr: expect.stringContaining('seals from now on') });
    const { keys, current } = JSON.parse(readFileSync(file, 'utf8'));
    expect(Object.keys(keys)).toHaveLength(2);
    expect(Object.keys(keys)[1]).toBe(current);
    for (const key of Object.values(keys)) expect(made.stderr + rotated.stderr).not.toContain(key);
  });

  test('a store that is sealed is read with the keys, and without them says which one is missing', async () => {
    let encryption = loadEncryptionKeys(file);
    const store = await openStore(`sqlite:${join(folder, 'sealed.db')}`, { encryption });
    const job = storedJob('film-1', {
      status: 'COMPLETED',
      result: { json: '"The Alien"' },
      updated_at: 1000,
    });
    await store.update('film-1', () => ({ returns: 0, job }));
    await store.close();
    const url = { INFER_ONCE_STORE_URL: 'sqlite:sealed.db' };
    const read = await cli(['status', 'film-1'], { ...url, ...env });
    expect(read).toMatchObject({ code: 0, stdout: expect.stringContaining('"result":"The Alien"') });
    await cli(['encryption-keys', 'rotate'], env);
    expect(await cli(['encryption-keys', 'reseal'], { ...url, ...env })).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^infer-once: 1 record looked at, 1 sealed anew with key .*\.\n$/),
    });
    encryption = loadEncryptionKeys(file);
    const { code, stderr } = await cli(['status', 'film-1'], url);
    expect(code).toBe(2);
    expect(stderr).toBe(
      `infer-once: The row of job film-1 is sealed with key ${encryption.current.id}, and this process has no keys; name their file in INFER_ONCE_ENCRYPTION_KEYS_FILE.\n`,
    );
    expect(
      (await cli(['status', 'x'], { ...url, INFER_ONCE_ENCRYPTION_KEYS_FILE: 'none.json' })).stderr,
    ).toMatch(
      /^infer-once: The encryption keys file none.json can't be read \(ENOENT\); infer-once encryption-keys init none.json makes it\.\n$/,
    );
  });
});

test('purge erases what was kept long enough, by task or by age, and first shows how much', async () => {
  writeFileSync(join(folder, 'tasks.cjs'), TASKS);
  const url = `sqlite:${join(folder, 'purge.db')}`;
  const put = async () => {
    const store = await openStore(url);
    for (const task of ['short', 'kept']) {
      const job = storedJob(`${task}-1`, { task, status: 'COMPLETED', updated_at: 1000 });
      await store.update(job.key, () => ({ returns: 0, job }));
    }
    await store.close();
  };
  const keysLeft = async () => {
    const store = await openStore(url);
    const { jobs } = await store.list({});
    await store.close();
    return jobs.map(({ key }) => key).sort();
  };
  await put();
  const env = { INFER_ONCE_STORE_URL: url, INFER_ONCE_TASKS: 'tasks.cjs' };
  const lines = ({ stdout }: { stdout: string }) =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  expect(lines(await cli(['purge', '--dry-run'], env))).toEqual([
    { task: 'short', older_than_ms: 86_400_000, jobs: 1, dry_run: true },
  ]);
  expect(await keysLeft()).toEqual(['kept-1', 'short-1']);
  expect(lines(await cli(['purge'], env))).toMatchObject([{ task: 'short', jobs: 1, dry_run: false }]);
  expect(await keysLeft()).toEqual(['kept-1']);
  const kept = await cli(['purge', '--task', 'kept'], env);
  expect(kept).toMatchObject({ code: 2, stderr: expect.stringContaining('Task kept has no keep') });
  await put();
  expect(lines(await cli(['purge', '--older-than', '9000d'], env))).toMatchObject([{ task: null, jobs: 2 }]);
  expect(await keysLeft()).toEqual([]);
  expect(await cli(['purge', '--older-than', '90'], env)).toMatchObject({ code: 2 });
  expect(existsSync(join(folder, 'purge.db'))).toBe(true);
});
