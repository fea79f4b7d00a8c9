import type { Contestant } from '../../bench/contestants/contestant';
import { direct } from '../../bench/contestants/direct';
import { narrowPlan, QUICK } from '../../bench/plan';
import { runBench } from '../../bench/run';
import { Scope } from '../../bench/support/scope';
import { openWorld } from '../../bench/world';

describe('what could not be measured', () => {
  const scope = new Scope();
  const plan = narrowPlan(QUICK, { inFlight: [1, 10], jobs: 5 });
  const never = new AbortController().signal;
  afterAll(() => scope.end());

  /** The direct call until its `last` job; the one after it fails. */
  function failing(last: number): Contestant {
    return {
      ...direct,
      ...{ name: 'failing', title: 'failing' },
      async open(world) {
        const running = await direct.open(world);
        let jobs = 0;
        return {
          ...running,
          async run(job) {
            jobs += 1;
            if (jobs > last) throw new Error(`job ${jobs} failed\n    at a line of its stack`);
            return running.run(job);
          },
        };
      },
    };
  }

  test('is named once with its part; what was measured before it stays, and the others go on', async () => {
    const world = await openWorld(scope, 0);
    const said: string[] = [];
    const say = (line: string) => void said.push(line);
    // 10 jobs that do not count, 5 one at a time, and a fault among the 5 at once
    const { contestants, faults } = await runBench(world, [failing(17), direct], plan, say, never);
    expect(faults).toEqual(['failing, 5 jobs, 10 in flight: job 18 failed']);
    expect(said).toContain(faults[0]);
    const levels = contestants.map((one) => one.levels.map(({ inFlight, jobs }) => [inFlight, jobs]));
    expect(levels).toEqual([
      [[1, 5]],
      [
        [1, 5],
        [10, 5],
      ],
    ]);
  });

  test('is named also where a contestant does not start, or does not end', async () => {
    const world = await openWorld(scope, 0);
    const away: Contestant = {
      ...direct,
      open: () => Promise.reject(new Error('no server for it')),
    };
    const staying: Contestant = {
      ...direct,
      ...{ title: 'staying' },
      open: async (given) => ({
        ...(await direct.open(given)),
        stop: () => Promise.reject(new Error('it goes on')),
      }),
    };
    const { contestants, faults } = await runBench(world, [away, staying], plan, () => undefined, never);
    expect(faults).toEqual([
      'direct call was not measured: no server for it',
      'staying, its end: it goes on',
    ]);
    expect(contestants.map(({ levels }) => levels.length)).toEqual([0, 2]);
  });
});
