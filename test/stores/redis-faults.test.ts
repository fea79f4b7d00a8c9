import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, StoreCorruptError, UnreachableError } from '../../src/errors';
import { openRedisStore } from '../../src/store/redis';
import type { ResultStore } from '../../src/store/store';
import { openGate } from '../support/gate';
import { type RedisServer, startRedis } from '../support/redis-server';
import { storedJob } from '../support/stored-job';
import { until } from '../support/until';

const ONE_SENTENCE = /^[^\n]*\.$/;
const CLI = join(__dirname, '../../dist/cli/main.js');

let server: RedisServer;
let url: string;
let store: ResultStore;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
beforeEach(async () => {
  url = server.newStore();
  store = await openRedisStore(url);
});
afterEach(() => store.close());

const put = (key: string, of = store) => of.update(key, () => ({ returns: key, job: storedJob(key) }));
const prefix = () => new URL(url).searchParams.get('prefix')!;

async function awayOf(promise: Promise<unknown>): Promise<UnreachableError> {
  const error = await promise.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UnreachableError);
  expect((error as Error).message).toMatch(ONE_SENTENCE);
  return error as UnreachableError;
}

/** The server as it should be again: what a test set on it is gone. */
async function restart(...settings: string[]): Promise<void> {
  await server.kill();
  await server.start(...settings);
}

test('a server that is killed loses nothing acknowledged, is said to be away, and is found again', async () => {
  const acknowledged: string[] = [];
  const writing = (async () => {
    for (let i = 0; ; i++) acknowledged.push(await put(`job-${i}`));
  })();
  writing.catch(() => undefined);
  await until('some are written', () => acknowledged.length > 50);
  await server.kill();
  await awayOf(writing);
  const away = await awayOf(put('meanwhile'));
  expect(away.message).toContain(`127.0.0.1:${server.port}/0`);

  await server.start();
  for (const key of acknowledged) expect((await store.read(key)).job).toEqual(storedJob(key));
  expect((await store.read('meanwhile')).job).toBeNull();
  await put('meanwhile');
});

test('a server that comes back without its data is an outage and never "no such job"; started again, it is another store', async () => {
  const bare = await startRedis('--appendonly', 'no');
  const of = bare.newStore();
  const first = await openRedisStore(of);
  await put('job', first);
  await bare.kill();
  await bare.start();
  const never = jest.fn();
  for (const call of [
    first.read('job'),
    first.update('job', never),
    first.readBlob('job', 'a'),
    first.list({}),
    first.stats(),
  ]) {
    expect((await awayOf(call)).message).toContain('lost its data');
  }
  expect(never).not.toHaveBeenCalled();
  const second = await openRedisStore(of);
  expect(second.id).not.toBe(first.id);
  expect((await awayOf(first.read('job'))).message).toContain('lost its data');
  await first.close();
  await second.close();
  await bare.stop();
});

test('the reply to a committed write is lost: the writer is told that the store is away, the write stands, the next decision sees it', async () => {
  const gate = await openGate(`127.0.0.1:${server.port}`);
  const linked = await openRedisStore(url.replace(`127.0.0.1:${server.port}`, gate.address));
  const claim = (swallows: boolean) =>
    linked.update('lost-reply', (job) => {
      if (job) return { returns: 'theirs' };
      // the row is read; what follows is the write
      if (swallows) gate.swallowReplies();
      return { returns: 'mine', job: storedJob('lost-reply') };
    });
  const write = claim(true);
  write.catch(() => undefined);
  await until('the write is committed', async () => (await store.read('lost-reply')).job);
  gate.cut();
  await awayOf(write);
  await awayOf(linked.read('lost-reply'));
  gate.open();
  expect(await until('it is linked again', () => claim(false).catch(() => false))).toBe('theirs');
  await linked.close();
  await gate.close();
});

test('a server that hangs is away after a while, and serves again when it answers', async () => {
  const gate = await openGate(`127.0.0.1:${server.port}`);
  const linked = await openRedisStore(url.replace(`127.0.0.1:${server.port}`, gate.address));
  await put('job', linked);
  gate.hold();
  await awayOf(linked.read('job'));
  gate.open();
  await until('it answers again', () => linked.read('job').catch(() => null));
  await linked.close();
  await gate.close();
});

test('a text that takes long on its way is not cut off while it flows, and holds up no other job', async () => {
  const gate = await openGate(`127.0.0.1:${server.port}`);
  const linked = await openRedisStore(url.replace(`127.0.0.1:${server.port}`, gate.address));
  const blobs = { a: 'x'.repeat(6_000_000) };
  const job = storedJob('large');
  // longer than a server may say nothing to who asks for a row
  gate.slow(500_000);
  let isThere = false;
  const writing = linked
    .update('large', () => ({ returns: 0, job, blobs }))
    .finally(() => {
      isThere = true;
    });
  writing.catch(() => undefined);
  let meanwhile = 0;
  while (!isThere) {
    await put('small', linked);
    if (!isThere) meanwhile += 1;
  }
  await writing;
  expect(meanwhile).toBeGreaterThan(10);
  expect(await store.readBlob('large', 'a')).toBe(blobs.a);
  expect(await linked.readBlob('large', 'a')).toBe(blobs.a);
  await linked.close();
  await gate.close();
});

test('a forgotten script is sent again', async () => {
  await put('job');
  await server.admin('SCRIPT', 'FLUSH');
  expect((await store.read('job')).job).toEqual(storedJob('job'));
  await put('job');
});

test('full memory takes no write, and none by halves; what is there is read, and can be forgotten', async () => {
  await store.update('before', () => ({ returns: 0, job: storedJob('before'), blobs: { a: 'text' } }));
  await server.admin('CONFIG', 'SET', 'maxmemory', '1');
  const full = await awayOf(put('after'));
  expect(full.message).toContain('memory is full');
  expect((await store.read('before')).job).toEqual(storedJob('before'));
  expect((await store.list({})).jobs).toHaveLength(1);
  await store.update('before', () => ({
    returns: 0,
    job: storedJob('before', { token: 2 }),
    dropBlobs: true,
  }));
  await server.admin('CONFIG', 'SET', 'maxmemory', '0');
  expect((await store.read('before')).job?.token).toBe(2);
  expect((await store.read('after')).job).toBeNull();
  await put('after');
});

test('a replica is no store, not even to read: its rows may be from before; it says so, also at opening', async () => {
  await store.update('before', () => ({ returns: 0, job: storedJob('before'), blobs: { a: 'text' } }));
  await server.admin('REPLICAOF', '127.0.0.1', '1');
  for (const call of [
    () => put('after'),
    () => store.read('before'),
    () => store.readBlob('before', 'a'),
    () => store.list({}),
    () => store.stats(),
    () => openRedisStore(url),
  ]) {
    // after each refusal the connection is made anew
    const isRefused = async () => (await awayOf(call())).message.includes('connect to the primary');
    await until('it is told', isRefused);
  }
  await server.admin('REPLICAOF', 'NO', 'ONE');
  await until('it serves', () => store.read('before').catch(() => null));
  expect((await store.read('before')).job).toEqual(storedJob('before'));
  await put('after');
});

test('a primary that has too few replicas to write, or can’t save to its disk, still gives what it has', async () => {
  await put('before');
  const expectReadOnly = async (why: string) => {
    expect((await awayOf(put('after'))).message).toContain(why);
    expect((await store.read('before')).job).toEqual(storedJob('before'));
    expect((await store.list({})).jobs).toHaveLength(1);
  };
  await server.admin('CONFIG', 'SET', 'min-replicas-to-write', 1);
  await expectReadOnly('too few replicas');
  await server.admin('CONFIG', 'SET', 'min-replicas-to-write', 0);

  // a folder in the place of its dump
  mkdirSync(join(server.folder, 'dump.rdb'));
  await server.admin('CONFIG', 'SET', 'save', '3600 1');
  await server.admin('BGSAVE');
  const failed = async () => /rdb_last_bgsave_status:err/.test(String(await server.admin('INFO')));
  await until('a save has failed', failed);
  await expectReadOnly("can't save to its disk");
  rmdirSync(join(server.folder, 'dump.rdb'));
  await restart();
});

test.each<[string, (of: ResultStore) => Promise<unknown>]>([
  ['writes', (of: ResultStore) => put('after', of)],
  ['only reads', (of: ResultStore) => of.read('after').then(({ job }) => job)],
])('a primary that was demoted is left, by one who %s: the address leads to the new one', async (_, act) => {
  const next = await startRedis();
  const gate = await openGate(`127.0.0.1:${server.port}`);
  const through = await openRedisStore(url.replace(`127.0.0.1:${server.port}`, gate.address));
  await put('before', through);
  await next.admin('REPLICAOF', '127.0.0.1', server.port);
  const row = `${prefix()}:job:before`;
  await until('the replica has it', async () => (await next.admin('EXISTS', row)) === 1);
  await next.admin('REPLICAOF', 'NO', 'ONE');
  await server.admin('REPLICAOF', '127.0.0.1', next.port);
  gate.leadTo(`127.0.0.1:${next.port}`);
  const leading = await openRedisStore(url.replace(`:${server.port}`, `:${next.port}`));
  // what the one that was demoted has not got
  await put('after', leading);
  await leading.close();
  await until('it serves', () => act(through).catch(() => false));
  expect((await through.read('after')).job).toEqual(storedJob('after'));
  expect((await through.read('before')).job).toEqual(storedJob('before'));
  await through.close();
  await gate.close();
  await server.admin('REPLICAOF', 'NO', 'ONE');
  await next.stop();
});

test('a damaged row is an error and never "no such job"', async () => {
  await put('damaged');
  const row = `${prefix()}:job:damaged`;
  const never = jest.fn();
  const expectCorrupt = async () => {
    await expect(store.read('damaged')).rejects.toThrow(StoreCorruptError);
    await expect(store.update('damaged', never)).rejects.toThrow(StoreCorruptError);
  };
  await server.admin('HSET', row, 'doc', '{"key":');
  await expectCorrupt();
  expect(await store.list({})).toMatchObject({ jobs: [], corrupt: [{ key: 'damaged' }] });
  await server.admin('HDEL', row, 'doc', 'status', 'revision');
  await expectCorrupt();
  await server.admin('DEL', row);
  // evicted, or deleted by hand
  await expectCorrupt();
  await put('other');
  await server.admin('HDEL', `${prefix()}:job:other`, 'revision');
  await expect(store.update('other', never)).rejects.toThrow(StoreCorruptError);
  await server.admin('SET', row, 'x');
  await expectCorrupt();
  expect(never).not.toHaveBeenCalled();
});

describe('what can’t be a store is refused in one sentence, without its password', () => {
  const secret = randomUUID();

  test.each<[string, (of: string) => string, string]>([
    ['no URL', () => `redis://user:${secret} #@host:port/x`, 'is no URL'],
    ['a path that is no number', (of) => of.replace('/0', '/zero'), 'no number'],
    ['an unknown parameter', (of) => `${of}&fsync=no`, 'unknown parameter fsync'],
    ['no such database', (of) => of.replace('/0', '/99'), 'no database of this number'],
    ['a password of half an escape', (of) => of.replace('//', `//nobody:${secret}%s@`), "can't be read"],
    ['a wrong password', (of) => of.replace('//', `//nobody:${secret}@`), 'password is wrong'],
  ])('%s', async (_, change, why) => {
    const error = await openRedisStore(change(url)).catch((e) => e);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(ONE_SENTENCE);
    expect(error.message).toContain(why);
    expect(error.message).not.toContain(secret);
  });

  test('nobody listens', async () => {
    const error = await awayOf(openRedisStore(`redis://user:${secret}@127.0.0.1:1`));
    expect(error.message).toContain('127.0.0.1:1');
    expect(error.message).not.toContain(secret);
  });

  test('a password that is not given', async () => {
    await server.admin('CONFIG', 'SET', 'requirepass', secret);
    const without = await openRedisStore(url).catch((e) => e);
    const withIt = await openRedisStore(url.replace('//', `//:${secret}@`));
    expect(withIt.id).toBe(store.id);
    await withIt.close();
    await restart();
    expect(without).toBeInstanceOf(ConfigError);
    expect(without.message).toContain('wants a password');
  });

  test('a newer version, and keys of another program', async () => {
    await server.admin('HSET', `${prefix()}:meta`, 'version', '99');
    await expect(openRedisStore(url)).rejects.toThrow('update infer-once');
    await server.admin('DEL', `${prefix()}:meta`);
    await server.admin('SET', `${prefix()}:meta`, 'x');
    await expect(openRedisStore(url)).rejects.toThrow('another program');
    await server.admin('DEL', `${prefix()}:meta`);
    await server.admin('ZADD', `${prefix()}:keys`, 0, 'job');
    await expect(openRedisStore(url)).rejects.toThrow('lost');
  });

  test('a cluster', async () => {
    const cluster = await startRedis('--cluster-enabled', 'yes');
    for (const slots of [[], ['CLUSTER', 'ADDSLOTSRANGE', 0, 16_383]]) {
      if (slots.length > 0) await cluster.admin(...slots);
      const error = await openRedisStore(cluster.newStore()).catch((e) => e);
      expect(error).toBeInstanceOf(ConfigError);
      expect(error.message).toContain('cluster');
    }
    await cluster.stop();
  });
});

describe('doctor warns where acknowledged writes may be lost', () => {
  const doctor = () => {
    const env = { ...process.env, INFER_ONCE_STORE_URL: url, TEMPORAL_ADDRESS: '127.0.0.1:1' };
    try {
      return execFileSync(process.execPath, [CLI, 'doctor'], { env, encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  };

  test('a durable server', () => {
    expect(doctor()).toMatch(/^ok {2}durability:/m);
  });

  test.each([
    ['appendonly', 'no', 'yes'],
    ['appendfsync', 'everysec', 'always'],
    ['maxmemory-policy', 'allkeys-lru', 'noeviction'],
  ])('%s %s', async (setting, value, right) => {
    await server.admin('CONFIG', 'SET', setting, value);
    const said = doctor();
    await server.admin('CONFIG', 'SET', setting, right);
    expect(said).toMatch(
      new RegExp(`^!! {2}durability: Redis has ${setting} ${value}: .* set ${setting} ${right} `, 'm'),
    );
    expect(said).toMatch(/^ok {2}store: redis opens/m);
  });

  test('a server that does not let it look', async () => {
    const acl = ['ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '+@all', '-config'];
    await server.admin(...acl);
    url = url.replace('//', '//app:pw@');
    expect(doctor()).toMatch(/^!! {2}durability: Redis does not let this user look/m);
  });
});
