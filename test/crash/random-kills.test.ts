import { createRng } from '../sim/rng';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { runStorm, type Survivor } from '../support/kill-storm';
import type { Cell } from '../support/kill-table';

/** All storms together; `npm run test:crash -- --times 1000` sets it. */
const KILLS = Number(process.env.CRASH_KILLS ?? 80);
/** Draws the moments; how the machine schedules the processes is its own. */
const rng = createRng(Number(process.env.CRASH_SEED ?? 1));

interface Weather extends Pick<Cell, 'recovery' | 'onUnknown'> {
  /** What a job may have come to, by status: how often it may be paid for. */
  allowed: Partial<Record<Survivor['record']['status'], number[]>>;
}

const STORMS: Weather[] = [
  // every answer that was paid for is found: a doubt is a call that was never sent
  { recovery: 'stored', onUnknown: 'hold', allowed: { COMPLETED: [1], IN_DOUBT: [0] } },
  { recovery: 'stored', onUnknown: 'fail', allowed: { COMPLETED: [1], FAILED: [0] } },
  // the id died with the worker
  { recovery: 'background', onUnknown: 'hold', allowed: { COMPLETED: [1], IN_DOUBT: [0, 1] } },
  { recovery: 'none', onUnknown: 'hold', allowed: { COMPLETED: [1], IN_DOUBT: [0, 1] } },
  // one call more is allowed, and said so in the record
  { recovery: 'none', onUnknown: 'rerun', allowed: { COMPLETED: [1, 2], IN_DOUBT: [0, 1, 2] } },
];

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
  await world.model.rules({ match: {}, do: { delay_ms: 300 } });
});
afterAll(() => world.stop());

const perStorm = Math.ceil(KILLS / STORMS.length);

test.each(STORMS)(
  'workers killed at random moments, recovery $recovery, policy $onUnknown: no call too many, no answer lost',
  async ({ recovery, onUnknown, allowed }) => {
    const name = `storm-${recovery}-${onUnknown}`;
    const storm = { recovery, onUnknown, signal: 'SIGKILL', times: perStorm, rng } as const;
    const survivors = await runStorm(world, name, storm);
    const wrong = survivors.filter(({ record, billed }) => !allowed[record.status]?.includes(billed));
    expect(wrong).toEqual([]);
    // by its id an answer is fetched as if nobody had died; else deaths that hit no call have shown nothing
    if (recovery !== 'background') expect(survivors.filter(wasHit)).not.toEqual([]);
    tell(name, survivors);
  },
  120_000 + perStorm * 10_000,
);

endsWithPromisesKept(() => world);

/** Its worker died in mid-call, and the record shows it. */
function wasHit({ record }: Survivor): boolean {
  return record.source !== 'inference' || record.attempts > 1;
}

function tell(name: string, survivors: Survivor[]): void {
  const count = (holds: (survivor: Survivor) => boolean) => survivors.filter(holds).length;
  const billed = survivors.reduce((sum, survivor) => sum + survivor.billed, 0);
  process.stdout.write(
    `${name}: ${perStorm} kills, ${survivors.length} jobs, ${billed} calls; ` +
      `${count(({ record }) => record.status === 'COMPLETED')} completed, ` +
      `${count(({ record }) => record.source === 'recovered')} of them recovered, ` +
      `${count(({ record }) => record.status === 'IN_DOUBT')} in doubt, ` +
      `${count(({ record }) => record.status === 'FAILED')} failed\n`,
  );
}
