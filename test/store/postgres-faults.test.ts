import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, StoreCorruptError, UnreachableError } from '../../src/errors';
import { openPostgresStore } from '../../src/store/postgres';
import type { ResultStore } from '../../src/store/store';
import { openGate } from '../support/gate';
import { takeAllConnections } from '../support/postgres-connections';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { storedJob } from '../support/stored-job';
import { until } from '../support/until';

const ONE_SENTENCE = /^[^\n]*\.$/;

let server: PostgresServer;
let url: string;
let store: ResultStore;
beforeAll(async () => {
  server = await startPostgres('max_connections=30');
});
afterAll(() => server.stop());
beforeEach(async () => {
  url = await server.createDatabase();
  store = await openPostgresStore(url);
});
afterEach(() => store.close());

const put = (key: string) => store.update(key, () => ({ returns: key, job: storedJob(key) }));
const database = () => new URL(url).pathname.slice(1);

async function refusal(of: string): Promise<Error> {
  const error = await openPostgresStore(of).then(
    () => null,
    (e: unknown) => e as Error,
  );
  expect(error!.message).toMatch(ONE_SENTENCE);
  return error!;
}

test('a server that is killed loses nothing acknowledged, is said to be away, and is found again', async () => {
  const keys = Array.from({ length: 50 }, (_, index) => `job-${index}`);
  await Promise.all(keys.map(put));
  await server.kill();
  const away = await put('meanwhile').catch((e) => e);
  expect(away).toBeInstanceOf(UnreachableError);
  expect(away.message).toMatch(ONE_SENTENCE);
  expect(away.message).toContain(`127.0.0.1:${server.port}/${database()}`);
  await expect(store.read('job-0')).rejects.toThrow(UnreachableError);

  await server.start();
  for (const key of keys) expect((await store.read(key)).job).toEqual(storedJob(key));
  expect((await store.read('meanwhile')).job).toBeNull();
  await put('meanwhile');
});

test('a job that was erased and began anew has no revision that it had before', async () => {
  const revision = async () =>
    (await server.admin("SELECT revision::text FROM infer_once.jobs WHERE key = 'job'", database()))[0]!
      .revision;
  const had: unknown[] = [];
  for (let life = 0; life < 2; life += 1) {
    for (let write = 0; write < 3; write += 1) {
      await put('job');
      had.push(await revision());
    }
    expect(await store.remove([(await store.read('job')).job!])).toBe(1);
  }
  expect(new Set(had).size).toBe(6);
});

test('an internal error of the server is an outage that passes; only damage that it found is damage', async () => {
  const failWith = async (code: string) => {
    await server.admin(
      `CREATE OR REPLACE FUNCTION infer_once.fail() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${code}'; END $$;
       CREATE OR REPLACE TRIGGER fails BEFORE INSERT ON infer_once.jobs
        FOR EACH ROW EXECUTE FUNCTION infer_once.fail()`,
      database(),
    );
    return put('job').catch((e: unknown) => e);
  };
  expect(await failWith('XX000')).toBeInstanceOf(UnreachableError);
  for (const code of ['XX001', 'XX002']) expect(await failWith(code)).toBeInstanceOf(StoreCorruptError);
  await server.admin('DROP TRIGGER fails ON infer_once.jobs', database());
  await put('job');
});

test('the reply to a committed write is lost: the writer is told that the store is away, the write stands', async () => {
  const gate = await openGate(`127.0.0.1:${server.port}`);
  const linked = await openPostgresStore(url.replace(`127.0.0.1:${server.port}`, gate.address));
  const write = linked.update('lost-reply', () => {
    // the row is read; what follows is the write
    gate.swallowReplies();
    return { returns: 0, job: storedJob('lost-reply') };
  });
  write.catch(() => undefined);
  await until('the write is committed', async () => (await store.read('lost-reply')).job);
  gate.cut();
  await expect(write).rejects.toThrow(UnreachableError);

  await expect(linked.read('lost-reply')).rejects.toThrow(UnreachableError);
  gate.open();
  expect((await linked.read('lost-reply')).job).toEqual(storedJob('lost-reply'));
  await linked.close();
  await gate.close();
});

test('a server without a connection left says so, and serves again when one is free', async () => {
  const others = await takeAllConnections(url);
  const second = await openPostgresStore(url).catch((e) => e);
  expect(second).toBeInstanceOf(UnreachableError);
  expect(second.message).toContain('no connection left');
  await put('still');
  await Promise.all(others.map((client) => client.end()));
  const third = await until('a connection is free', () => openPostgresStore(url).catch(() => null));
  expect((await third.read('still')).job).toEqual(storedJob('still'));
  await third.close();
});

test('a server with fewer connections left than a store under load asks for says so, serves all the same, and loses nothing', async () => {
  // the one that the store has stays its own; it would take more
  const others = await takeAllConnections(url);
  const refused: Error[] = [];
  const persist = async (key: string): Promise<string> => {
    try {
      return await put(key);
    } catch (error) {
      refused.push(error as Error);
      return persist(key);
    }
  };
  const keys = Array.from({ length: 200 }, (_, index) => `crowded-${index}`);
  await Promise.all(keys.map(persist));
  expect(refused.length).toBeGreaterThan(0);
  for (const error of refused) {
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toMatch(/has no connection left; close some, or raise max_connections\.$/);
  }
  for (const key of keys) expect((await store.read(key)).job).toEqual(storedJob(key));
  await Promise.all(others.map((client) => client.end()));
});

test('a database that takes no writes is away, with the reason, until it does', async () => {
  await put('before');
  await server.admin(`ALTER DATABASE ${database()} SET default_transaction_read_only = on`);
  await store.close();
  store = await openPostgresStore(url);
  const refused = await put('after').catch((e) => e);
  expect(refused).toBeInstanceOf(UnreachableError);
  expect(refused.message).toContain('connect to the primary');
  expect((await store.read('before')).job).toEqual(storedJob('before'));
});

test('a write is on disk when it is acknowledged, though the server is set to synchronous_commit = off', async () => {
  await server.admin(`ALTER DATABASE ${database()} SET synchronous_commit = off`);
  await store.close();
  store = await openPostgresStore(url);
  const flushed = async () => {
    const [row] = await server.admin(
      'SELECT pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn() AS behind',
    );
    return Number(row!.behind);
  };
  await put('durable');
  expect(await flushed()).toBe(0);
});

test('a damaged row is an error and never "no such job"', async () => {
  await put('damaged');
  await server.admin(`UPDATE infer_once.jobs SET doc = '{"key":'`, database());
  const never = jest.fn();
  await expect(store.read('damaged')).rejects.toThrow(StoreCorruptError);
  await expect(store.update('damaged', never)).rejects.toThrow(StoreCorruptError);
  expect(never).not.toHaveBeenCalled();
  expect(await store.list({})).toMatchObject({ jobs: [], corrupt: [{ key: 'damaged' }] });
});

test('tables that are gone are an outage and never "no such job"', async () => {
  await put('gone');
  await server.admin('ALTER TABLE infer_once.jobs RENAME TO elsewhere', database());
  await expect(store.read('gone')).rejects.toThrow(UnreachableError);
  await server.admin('ALTER TABLE infer_once.elsewhere RENAME TO jobs', database());
  expect((await store.read('gone')).job).toEqual(storedJob('gone'));
});

describe('what can’t be a store is refused in one sentence, without its password', () => {
  test.each([
    ['no such database', (of: string) => of.replace(/store_\d+$/, 'nowhere'), 'no such database'],
    ['no such user', (of: string) => of.replace('postgres@', 'nobody:secret@'), 'may not log in'],
    ['two hosts', (of: string) => of.replace('@', '@elsewhere,'), 'one address that leads to the primary'],
    ['no URL', () => 'postgres://user:se cret#@host:port/x', 'is no URL'],
  ])('%s', async (_, change, why) => {
    const error = await refusal(change(url));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain(why);
    expect(error.message).not.toMatch(/se ?cret/);
  });

  test('a wrong password', async () => {
    const rules = join(server.folder, 'data', 'pg_hba.conf');
    const before = readFileSync(rules, 'utf8');
    writeFileSync(rules, `host all locked 127.0.0.1/32 scram-sha-256\n${before}`);
    await server.admin("CREATE ROLE locked LOGIN PASSWORD 'right'");
    await server.admin('SELECT pg_reload_conf()');
    const wrong = url.replace('postgres@', 'locked:secret@');
    const error = await until('the rule holds', async () => {
      const met = await refusal(wrong).catch(() => null);
      return met?.message.includes('password') ? met : null;
    });
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain('the password is wrong');
    expect(error.message).not.toContain('secret');
  });

  test('nobody listens', async () => {
    const error = await refusal('postgres://user:secret@127.0.0.1:1/x');
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error.message).toContain('127.0.0.1:1/x');
    expect(error.message).not.toContain('secret');
  });

  test('a user who may not make the schema', async () => {
    const empty = await server.createDatabase();
    await server.admin(`CREATE ROLE guest LOGIN`);
    const error = await refusal(empty.replace('postgres@', 'guest@'));
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toContain('infer-once setup');
  });

  test('a newer schema', async () => {
    await server.admin(`UPDATE infer_once.meta SET value = '99' WHERE name = 'version'`, database());
    expect((await refusal(url)).message).toContain('update infer-once');
  });
});
