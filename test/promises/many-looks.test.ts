import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { enrichJob, RESULT } from './support';

/** A waiter looks every 5 s at most; hurried, its pauses take no time, and a day of looks fits into seconds. */
let isHurried = false;
jest.mock('node:timers', () => {
  const timers = jest.requireActual<typeof import('node:timers')>('node:timers');
  const pause = (end: () => void, ms: number) =>
    isHurried ? timers.setImmediate(end) : timers.setTimeout(end, ms);
  return { ...timers, setTimeout: pause };
});

const LOOKS_A_DAY = 17_280;

describe('a wait of days', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ server: 'dev' });
    await world.addWorker();
  });
  afterAll(() => world.stop());

  test('keeps nothing of the looks that it has made', async () => {
    await world.model.rules({ match: { job_id: 'held' }, do: { hold: true } });
    const looks = countReads(world);
    const answer = world.jobs.run(enrichJob('held'));
    await world.model.waitForState(({ in_flight }) => in_flight.length === 1);
    isHurried = true;
    try {
      await looks.untilMore(LOOKS_A_DAY / 4);
      const before = usedHeap();
      await looks.untilMore(LOOKS_A_DAY);
      // 31 bytes a look; what any closure or listener that stays would take is more
      expect(usedHeap() - before).toBeLessThan(512 * 1024);
    } finally {
      isHurried = false;
    }
    await world.model.release('held');
    expect(await answer).toMatchObject({ status: 'COMPLETED', result: RESULT });
    expect(world.model.billed('held')).toBe(1);
  });
});

/** Reads of the store from now on: only a waiter makes thousands of them. */
function countReads({ store }: World) {
  let reads = 0;
  const read = store.read.bind(store);
  store.read = (key) => {
    reads += 1;
    return read(key);
  };
  return {
    untilMore(more: number): Promise<void> {
      const enough = reads + more;
      return until(`${more} more looks`, () => reads >= enough).then(() => undefined);
    },
  };
}

function usedHeap(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
