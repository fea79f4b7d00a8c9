import { measureRounds, type Ratios, type RoundTimes, ratiosOf } from '../measure/rounds';
import { median } from '../report/statistics';
import { usageOf } from '../support/process-usage';
import type { Scope } from '../support/scope';
import type { Tuning } from '../workers/infer-once-contract';
import type { World } from '../world';
import type { Setting } from './choices';
import { type SettingsPlan, slowly } from './plan';
import { openSides } from './sides';

/** One value of a setting with so many jobs in flight. */
export interface LevelResult {
  inFlight: number;
  /** Of each round, in the shortest. */
  jobs: number;
  /** Medians of the rounds. */
  p50Ms: number;
  jobsPerSecond: number;
  cpuMs: number | null;
  /** Against the present value, round by round; null for that one. */
  ratios: Ratios | null;
}

/** One value of a setting. */
export interface ChoiceResult {
  label: string;
  levels: LevelResult[];
  /** The worker's resident memory at the end; null without /proc. */
  workerMb: number | null;
  eagerStarts: number | null;
  /** The options that its worker ran with. */
  options: Tuning;
}

/** A setting, its present value first. */
export interface SettingResult {
  name: string;
  title: string;
  rounds: number;
  choices: ChoiceResult[];
  /** Jobs that were answered, and calls billed for them: as many, or something was paid for twice. */
  jobs: number;
  calls: number;
}

/** Compares the values of one setting in rounds, load by load. */
export async function measureSetting(
  world: World,
  setting: Setting,
  plan: SettingsPlan,
  scope: Scope,
  say: (what: string) => void,
): Promise<SettingResult> {
  const { name, title, isSlow = false } = setting;
  const { levels, rounds, roundSeconds } = isSlow ? slowly(plan) : plan;
  const sides = await openSides(world, setting, scope);
  const found: LevelResult[][] = sides.map(() => []);
  for (const { inFlight, jobs } of levels) {
    const onRound = (round: number) => say(`${name}, ${inFlight} in flight: round ${round} of ${rounds}`);
    const times = await measureRounds(sides, name, { inFlight, jobs, rounds, roundSeconds }, onRound);
    for (const [n, own] of times.entries())
      found[n]!.push(levelResult(inFlight, own, n > 0 ? times[0]! : null));
  }
  const choices = sides.map(({ choice, options, pid, eagerStarts }, n) => ({
    ...{ label: choice.label, levels: found[n]!, options },
    workerMb: usageOf(pid)?.rssMb ?? null,
    eagerStarts: eagerStarts(),
  }));
  const jobs = sides.reduce((sum, { answered }) => sum + answered(), 0);
  return { name, title, rounds, choices, jobs, calls: billedFor(world, name) };
}

function billedFor({ model }: World, name: string): number {
  return model.ledger().filter((entry) => entry.phase === 'billed' && entry.job_id?.startsWith(`${name}-`))
    .length;
}

function levelResult(inFlight: number, own: RoundTimes[], present: RoundTimes[] | null): LevelResult {
  const cpu = own.flatMap(({ cpuMs }) => cpuMs ?? []);
  return {
    inFlight,
    jobs: Math.min(...own.map(({ jobs }) => jobs)),
    p50Ms: median(own.map(({ p50Ms }) => p50Ms)),
    jobsPerSecond: 1 / median(own.map(({ seconds }) => seconds)),
    cpuMs: cpu.length > 0 ? median(cpu) : null,
    ratios: present && ratiosOf(own, present),
  };
}
