import { checkHistory } from '../../src/dev/check-history';
import { stir } from './faults';
import { Sources } from './loader';
import { operate } from './operator';
import { drawPlan, type Plan } from './plan';
import { type Scene, setUp } from './scene';
import { isSettled, type Violation } from './watch';
import { type HistoryLine, World } from './world';

export interface SimulateOptions {
  /** Keep what happened, to be read; costs time. */
  history?: boolean;
  /** Loaded before; else the sources as they are. */
  sources?: Sources;
}

/** What came of one seed. */
export interface Report {
  seed: number;
  violations: Violation[];
  /** Empty unless asked for. */
  history: HistoryLine[];
  counts: Record<string, number>;
  /** How many events it took. */
  events: number;
}

const MINUTE = 60_000;
/** From the end of the faults on: so much time to settle, or to be shown to an operator. */
const CALM_MS = 12 * MINUTE;

/**
 * Runs one seed: a storm of requests and faults, then calm in which everything has to settle, then an
 * operator who abandons what is still in doubt.
 */
export async function simulate(seed: number, options: SimulateOptions = {}): Promise<Report> {
  const world = new World(seed, options.history ?? false);
  const plan = drawPlan(world.rng);
  world.log('plan', () => describePlan(plan));
  const sources = options.sources ?? new Sources();
  const scene = setUp(world, plan, sources);
  const { watch, actors, temporal, store } = scene;
  const isBroken = (): boolean => watch.violations.length > 0;
  const isQuiet = (): boolean =>
    isBroken() ||
    (actors.waiting === 0 &&
      plan.keys.every((key) => !temporal.latest(key)?.isOpen && isSettled(store.row(key))));

  stir(scene, plan);
  await world.run(plan.stormMs, isBroken);
  world.stormy = false;
  calm(scene);
  await world.run(world.now + CALM_MS, isQuiet);
  if (!isBroken()) checkLiveness(scene, plan, 'after the faults');
  for (let i = 0; i < 3 && !isQuiet(); i++) {
    for (const key of plan.keys) void operate(actors, key, ['abandon'], 0);
    await world.run(world.now + 5 * MINUTE, isQuiet);
  }
  if (!isBroken()) checkEnd(scene, plan);
  if (!isBroken()) checkPromises(scene, plan, sources);
  summarize(scene, plan);
  return {
    seed,
    violations: watch.violations,
    history: world.history,
    counts: watch.counts,
    events: world.events,
  };
}

/** The faults are over: everything is up, and an orphan is found by `doctor --repair`. */
function calm({ world, temporal, store, provider, actors }: Scene): void {
  world.log('calm', () => 'the faults are over');
  for (const worker of temporal.workers) {
    worker.cutOffUntil = 0;
    worker.proc.noStoreUntil = 0;
    worker.proc.thaw();
  }
  store.awayUntil = 0;
  provider.awayUntil = 0;
  for (let at = MINUTE; at < CALM_MS; at += 4 * MINUTE) world.after(at, () => void actors.repair());
}

/** I6: what is not settled is in doubt, and an operator sees it. */
function checkLiveness({ watch, store }: Scene, plan: Plan, when: string): void {
  for (const key of plan.keys) {
    const row = store.row(key);
    if (!row || isSettled(row) || (row.status === 'IN_DOUBT' && !row.doubt?.recovering)) continue;
    watch.violated('I6', `${key} is stuck ${when}: ${row.status}, token ${row.token}`);
  }
}

function checkEnd({ watch, store, actors, temporal }: Scene, plan: Plan): void {
  for (const key of plan.keys) {
    const row = store.row(key);
    if (row && !isSettled(row)) watch.violated('I6', `${key} is stuck after abandon: ${row.status}`);
    if (temporal.latest(key)?.isOpen) watch.violated('I6', `the run of ${key} does not end`);
    if (plan.isCalm && row) {
      const { totalBilled, doubts } = watch.ghost(key);
      const isFine = row.status === 'COMPLETED' && totalBilled === 1 && doubts === 0;
      if (!isFine)
        watch.violated(
          'calm',
          `without a fault ${key} came to ${row.status}, ${totalBilled} calls, ${doubts} doubts`,
        );
    }
  }
  if (actors.waiting > 0) watch.violated('I6', `${actors.waiting} callers still wait`);
}

/** The promises as seen from outside: by callers, the provider, and whoever reads the store tomorrow. */
function checkPromises({ watch, store }: Scene, plan: Plan, sources: Sources): void {
  const { toRecord } = sources.core<typeof import('../../src/once/record')>('once/record.ts');
  for (const key of plan.keys) {
    const row = store.row(key);
    if (row) watch.seen.push({ type: 'recorded', job: key, record: toRecord(row) });
  }
  for (const { sentence } of checkHistory(watch.seen)) watch.violated('history', sentence);
}

function summarize({ watch, store }: Scene, plan: Plan): void {
  for (const key of plan.keys) {
    const row = store.row(key);
    if (!row) continue;
    watch.count('jobs');
    watch.count(`ended ${row.status}`);
    if (row.source) watch.count(`source ${row.source}`);
    if (watch.ghost(key).doubts > 0) watch.count('were in doubt');
    if (row.calls.some((call) => call.late)) watch.count('kept a late answer');
  }
}

function describePlan({ policy, recovery, keys, isCalm }: Plan): string {
  return `${isCalm ? 'calm, ' : ''}keys ${keys}, on unknown ${policy.onUnknown}, recovery ${recovery}, call time-out ${policy.callTimeoutMs / 1000} s, settle ${policy.settleMs / 1000} s, deadline ${policy.deadlineMs / 1000} s, hold for ${policy.holdForMs} then ${policy.holdThen}`;
}
