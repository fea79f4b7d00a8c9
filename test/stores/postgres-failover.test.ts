import { setImmediate as nextTurn } from 'node:timers/promises';
import { UnreachableError } from '../../src/errors';
import { openPostgresStore } from '../../src/store/postgres';
import type { ResultStore } from '../../src/store/store';
import { type PostgresPair, startPostgresPair } from '../support/postgres-pair';
import { storedJob } from '../support/stored-job';
import { until } from '../support/until';

const WRITERS = 8;

let pair: PostgresPair | undefined;
let store: ResultStore;
afterEach(async () => {
  await store.close();
  await pair?.stop();
});

async function start(synchronous: boolean): Promise<PostgresPair> {
  pair = await startPostgresPair(synchronous);
  store = await openPostgresStore(await pair.createDatabase());
  return pair;
}

/** Keeps writing, each key until it is acknowledged, until it is told to end. */
function keepWriting() {
  const acknowledged: string[] = [];
  const away: UnreachableError[] = [];
  let isOver = false;
  const write = async (writer: number) => {
    for (let number = 0; !isOver; ) {
      const key = `job-${writer}-${number}`;
      try {
        await store.update(key, (job) => (job ? { returns: 0 } : { returns: 0, job: storedJob(key) }));
        acknowledged.push(key);
        number += 1;
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        away.push(error);
        await nextTurn();
      }
    }
  };
  const writers = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  return {
    ...{ acknowledged, away },
    async end() {
      isOver = true;
      await writers;
    },
  };
}

test('a primary killed under load and its synchronous standby promoted: nothing acknowledged is lost, and the store comes back by itself', async () => {
  const { failOver } = await start(true);
  const { acknowledged, away, end } = keepWriting();
  await until('it is under load', () => acknowledged.length >= 500);
  await failOver();
  const before = acknowledged.length;
  await until('it serves again', () => acknowledged.length >= before + 500);
  await end();
  expect(away.length).toBeGreaterThan(0);
  for (const { message } of away) expect(message).toMatch(/^The store in 127[^\n]*\.$/);
  for (const key of acknowledged) expect((await store.read(key)).job).toEqual(storedJob(key));
});

test('an address that leads to a standby is away, with the reason, until that is promoted', async () => {
  const { gate, standby } = await start(true);
  await store.update('before', () => ({ returns: 0, job: storedJob('before') }));
  gate.leadTo(`127.0.0.1:${standby.port}`);
  gate.cut();
  gate.open();
  const put = () => store.update('after', () => ({ returns: 'written', job: storedJob('after') }));
  const refused = await until('the standby answers', async () => {
    const error = await put().catch((e) => e);
    return error.message.includes('standby') && error;
  });
  expect(refused).toBeInstanceOf(UnreachableError);
  expect(refused.message).toMatch(/takes no writes, as a standby does; connect to the primary\.$/);
  expect((await store.read('before')).job).toEqual(storedJob('before'));
  // its connections stay up
  await standby.admin('SELECT pg_promote()');
  expect(await until('it takes writes', () => put().catch(() => null))).toBe('written');
});
