import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initKeysFile, loadEncryptionKeys, rotateKeysFile } from '../../src/encryption/keys-file';
import { open, seal } from '../../src/encryption/seal';
import { makeFolder } from '../support/sqlite-file';

let path: string;
let remove: () => void;
beforeEach(() => {
  const made = makeFolder();
  path = join(made.folder, 'keys.json');
  remove = made.remove;
});
afterEach(() => remove());

const read = () => JSON.parse(readFileSync(path, 'utf8'));
const put = (content: unknown, mode = 0o600) => {
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(path, mode);
};
const KEY = Buffer.alloc(32, 7).toString('base64');

test('init makes a file for its owner alone, and never writes over one', () => {
  const id = initKeysFile(path, new Date('2026-11-24T10:00:00Z'));
  expect(id).toBe('2026-11-24');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const before = read();
  expect(() => initKeysFile(path)).toThrow('is there already');
  expect(read()).toEqual(before);
  expect(Buffer.from(before.keys[id], 'base64')).toHaveLength(32);
  expect(before.keys[id]).not.toBe(before.digest_key);
});

test('rotation seals with a new key, still opens what the old one sealed, and leaves the digest key', () => {
  const first = initKeysFile(path, new Date('2026-11-24T10:00:00Z'));
  const { digest_key } = read();
  const old = loadEncryptionKeys(path).current;
  const sealed = seal(old.key, Buffer.from('text'));
  const second = rotateKeysFile(path, { now: new Date('2026-11-24T11:00:00Z') });
  const keys = loadEncryptionKeys(path);
  expect([first, second]).toEqual(['2026-11-24', '2026-11-24-2']);
  expect(keys.current.id).toBe(second);
  expect(open(keys.current.key, sealed)).toBeNull();
  expect(open(keys.find(first)!, sealed)?.toString()).toBe('text');
  expect(read().digest_key).toBe(digest_key);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a staged key opens everywhere before it seals anywhere', () => {
  const first = initKeysFile(path);
  const running = loadEncryptionKeys(path);
  const staged = rotateKeysFile(path, { stage: true });
  expect(running.find(staged)).toBeDefined();
  expect(running.current.id).toBe(first);
  rotateKeysFile(path, { to: staged });
  expect(loadEncryptionKeys(path).current.id).toBe(staged);
  expect(() => rotateKeysFile(path, { to: 'none' })).toThrow(/There is no key "none" in .*; it has/);
  expect(Object.keys(read().keys)).toEqual([first, staged]);
});

test('a process takes a key that is added while it runs, and keeps its keys where the file breaks', () => {
  const first = initKeysFile(path);
  const running = loadEncryptionKeys(path);
  expect(running.find('2020-01-01')).toBeUndefined();
  const second = rotateKeysFile(path);
  expect(running.find(second)).toBeDefined();
  expect(running.current.id).toBe(second);
  put('{');
  expect(running.find('2020-01-01')).toBeUndefined();
  expect(running.find(first)).toBeDefined();
  rmSync(path);
  expect(running.find('2020-01-01')).toBeUndefined();
  expect(running.current.id).toBe(second);
});

test('that all is sealed is taken by a running process, and stays over rotation', () => {
  initKeysFile(path);
  const running = loadEncryptionKeys(path);
  expect(running.allSealed).toBe(false);
  put({ ...read(), all_sealed: true });
  expect(running.find(rotateKeysFile(path))).toBeDefined();
  expect(running.allSealed).toBe(true);
  expect(read().all_sealed).toBe(true);
});

test('a file with another digest key is not taken by a running process: every input would be another', () => {
  initKeysFile(path);
  const running = loadEncryptionKeys(path);
  put({ ...read(), digest_key: KEY, keys: { ...read().keys, added: KEY } });
  expect(running.find('added')).toBeUndefined();
});

const GOOD = { current: 'a', keys: { a: KEY }, digest_key: KEY };

test.each<[string, unknown, string]>([
  ['no JSON', `{"keys": "${KEY}"`, 'is no JSON'],
  ['a short key', { ...GOOD, keys: { a: Buffer.alloc(16).toString('base64') } }, 'keys.a: a key is 32 bytes'],
  ['a key that is no base64', { ...GOOD, keys: { a: '*'.repeat(44) } }, 'keys.a: a key is 32 bytes'],
  ['a short digest key', { ...GOOD, digest_key: 'AAAA' }, 'digest_key: a key is 32 bytes'],
  ['no digest key', { current: 'a', keys: { a: KEY } }, 'digest_key'],
  ['a current key that is not there', { ...GOOD, current: 'b' }, 'current: it names a key that the file'],
  ['an id with a dot', { ...GOOD, keys: { ...GOOD.keys, 'a.b': KEY } }, 'an id is 1 to 64 letters'],
  ['a field that is unknown', { ...GOOD, key: KEY }, 'key'],
  ['a word for whether all is sealed', { ...GOOD, all_sealed: 'yes' }, 'all_sealed'],
  ['a list', [], 'it'],
])('a keys file with %s is one sentence that shows no key', (_, content, sentence) => {
  put(content);
  const load = () => loadEncryptionKeys(path);
  expect(load).toThrow(sentence);
  expect(load).toThrow(path);
  expect(load).toThrow(/^[^\n]*\.$/);
  expect(load).not.toThrow(KEY);
});

test('a keys file that is missing says how to make one', () => {
  expect(() => loadEncryptionKeys(path)).toThrow(
    `The encryption keys file ${path} can't be read (ENOENT); infer-once encryption-keys init ${path} makes it.`,
  );
});

test.each([0o644, 0o666, 0o620, 0o601])(
  'a keys file that others may read or change is refused (%o)',
  (mode) => {
    put(GOOD, mode);
    expect(() => loadEncryptionKeys(path)).toThrow(
      `is open to others (mode 0${mode.toString(8)}); chmod 600 ${path}, and think of its keys as known.`,
    );
  },
);

test('a group may read the file, as Kubernetes hands out secrets', () => {
  put(GOOD, 0o440);
  expect(loadEncryptionKeys(path).current.id).toBe('a');
});
