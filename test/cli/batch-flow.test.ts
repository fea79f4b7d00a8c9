import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Line, splitLines } from '../../src/cli/batch/lines';
import { runJobs } from '../../src/cli/batch/run-jobs';
import { startWorld, type World } from '../support/world';

let world: World;
beforeAll(async () => {
  // the time-skipping server may keep a worker's poll when it is to end
  world = await startWorld({ server: 'dev' });
  await world.addWorker();
});
afterAll(() => world.stop());
afterEach(async () => {
  await world.model.rules();
  await world.model.release();
});

/** A file of as many jobs as somebody reads, and how much of it was read. */
function endlessFile(name: string, length: number) {
  const read = { chunks: 0, lines: 0 };
  async function* chunks() {
    for (; read.chunks < length; read.chunks += 1) {
      const line = { job_id: `${name}-${read.chunks}`, input: { title: 'alien' } };
      yield Buffer.from(`${JSON.stringify(line)}\n`);
    }
  }
  async function* lines(): AsyncGenerator<Line> {
    for await (const line of splitLines(chunks())) {
      read.lines += 1;
      yield line;
    }
  }
  return { read, lines: lines() };
}

function batch(lines: AsyncGenerator<Line>, concurrency: number, onEnd: () => void) {
  const options = {
    jobs: world.jobs,
    reachTemporal: async () => undefined,
    task: 'enrich',
    concurrency,
    signal: new AbortController().signal,
    closeInput: () => undefined,
  };
  return runJobs(lines, options, async () => onEnd());
}

test('no more lines are read than jobs are under way, however long the file is', async () => {
  await world.model.rules({ do: { hold: true } });
  const { read, lines } = endlessFile('held', 40);
  let ended = 0;
  let most = 0;
  const running = batch(lines, 4, () => {
    ended += 1;
    most = Math.max(most, read.lines - ended);
  });
  await world.model.waitForState(({ held }) => held.length === 4);
  // whoever wanted to read on would have
  for (let turn = 0; turn < 100; turn += 1) await nextTurn();
  expect(read).toEqual({ chunks: 3, lines: 4 });
  await world.model.rules();
  await world.model.release();
  await running;
  expect([ended, read.lines]).toEqual([40, 40]);
  // the one that has just ended counts no more
  expect(most).toBeLessThanOrEqual(3);
});

test('lines of completed jobs are read no faster either', async () => {
  const first = endlessFile('done', 30);
  await batch(first.lines, 10, () => undefined);
  const { read, lines } = endlessFile('done', 30);
  let ended = 0;
  let most = 0;
  await batch(lines, 4, () => {
    ended += 1;
    most = Math.max(most, read.lines - ended);
  });
  expect(ended).toBe(30);
  expect(most).toBeLessThanOrEqual(4);
});
