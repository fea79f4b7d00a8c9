import { ALONE, Batches } from '../../src/store/batches';

/** Asks that wait for a test's word, one after the other. */
function heldAsks() {
  const asked: {
    requests: readonly string[];
    answer(answers: (string | Error | typeof ALONE)[]): void;
    fail(error: Error): void;
  }[] = [];
  const ask = (requests: readonly string[]) =>
    new Promise<(string | Error | typeof ALONE)[]>((answer, fail) => asked.push({ requests, answer, fail }));
  return { asked, ask };
}

const turn = () => new Promise<void>((done) => setImmediate(() => setImmediate(done)));
const AWAY = new Error('away');
const isForAll = (error: unknown) => error === AWAY;

test('what is asked within a turn, and while two are under way, travels together', async () => {
  const { asked, ask } = heldAsks();
  const batches = new Batches(ask, isForAll, 0);
  const answers = [batches.run('a'), batches.run('b')];
  await turn();
  answers.push(batches.run('c'));
  await turn();
  for (const name of ['d', 'e', 'f']) {
    answers.push(batches.run(name));
    await turn();
  }
  expect(asked.map(({ requests }) => requests)).toEqual([['a', 'b'], ['c']]);
  asked[1]!.answer(['C']);
  await turn();
  expect(asked[2]!.requests).toEqual(['d', 'e', 'f']);
  asked[2]!.answer(['D', 'E', 'F']);
  asked[0]!.answer(['A', 'B']);
  expect(await Promise.all(answers)).toEqual(['A', 'B', 'C', 'D', 'E', 'F']);
});

test('those who wait behind a failure that is for all are told it, and do not sit it out in turn', async () => {
  const { asked, ask } = heldAsks();
  const batches = new Batches(ask, isForAll, 0);
  const first = Array.from({ length: 128 }, (_, n) => batches.run(`first-${n}`));
  await turn();
  const later = Array.from({ length: 500 }, (_, n) => batches.run(`later-${n}`));
  const fates = Promise.allSettled([...first, ...later]);
  await turn();
  for (const { fail } of asked) fail(AWAY);
  for (const fate of await fates) expect(fate).toMatchObject({ reason: AWAY });
  expect(asked).toHaveLength(2);
});

test('who came a moment before such a failure is asked for all the same', async () => {
  const { asked, ask } = heldAsks();
  const batches = new Batches(ask, isForAll, 60_000);
  const first = Promise.allSettled(Array.from({ length: 128 }, (_, n) => batches.run(`first-${n}`)));
  await turn();
  const later = batches.run('later');
  await turn();
  for (const { fail } of asked) fail(AWAY);
  await first;
  await turn();
  asked[2]!.answer(['there']);
  expect(await later).toBe('there');
});

test('who is asked by himself is not waited for by the others of his batch, nor by those after them', async () => {
  const { asked, ask } = heldAsks();
  const batches = new Batches(ask, isForAll, 0);
  const stuck = ['a', 'b'].map((name) => batches.run(name));
  const quick = batches.run('c');
  await turn();
  asked[0]!.answer([ALONE, ALONE, 'C']);
  expect(await quick).toBe('C');
  expect(asked.slice(1).map(({ requests }) => requests)).toEqual([['a'], ['b']]);
  const next = batches.run('d');
  await turn();
  asked[3]!.answer(['D']);
  expect(await next).toBe('D');
  asked[1]!.answer(['A']);
  asked[2]!.fail(new Error('its own'));
  expect(await Promise.allSettled(stuck)).toMatchObject([{ value: 'A' }, { reason: { message: 'its own' } }]);
});
