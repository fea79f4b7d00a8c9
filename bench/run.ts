import type { Contestant, Running } from './contestants/contestant';
import { measureContestant } from './measure/contestant';
import { measureRatio } from './measure/ratio';
import type { BenchResult, ContestantResult, RatioResult } from './measure/results';
import type { Side } from './measure/rounds';
import type { Plan } from './plan';
import { versionsOf } from './report/versions';
import type { World } from './world';

/** What was measured, and what could not be. */
type Measured = Pick<BenchResult, 'contestants' | 'ratios' | 'faults'>;

/** What all parts of a run share. */
interface Run {
  world: World;
  plan: Plan;
  say(line: string): void;
  /** Keeps why a part could not be measured; what was measured before stays. */
  note(part: string, error: unknown): void;
}

/**
 * One after the other, so that each has the machine; then ours and the bare workflow in turn. A fault ends
 * what it hits and no more.
 */
export async function runBench(
  world: World,
  contestants: readonly Contestant[],
  plan: Plan,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<Measured> {
  const measured: Measured = { contestants: [], ratios: [], faults: [] };
  const note = (part: string, error: unknown) => {
    // its servers are being ended
    stop.throwIfAborted();
    measured.faults.push(`${part}: ${(error as Error).message.split('\n')[0]}`);
    say(measured.faults.at(-1)!);
  };
  const run: Run = { world, plan, say, note };
  for (const contestant of contestants) {
    measured.contestants.push(await runContestant(run, contestant));
    stop.throwIfAborted();
  }
  const ran = measured.contestants.filter(({ levels }) => levels.length > 0).map(({ name }) => name);
  await runRatios(
    run,
    contestants.filter(({ name }) => ran.includes(name)),
    measured.ratios,
  );
  return measured;
}

async function runContestant(
  { world, plan, say, note }: Run,
  contestant: Contestant,
): Promise<ContestantResult> {
  const { name, title, packages } = contestant;
  const nothing = { levels: [], duplicates: null, history: null, memory: null, kill: null };
  const result: ContestantResult = {
    ...{ name, title, versions: versionsOf(packages) },
    ...nothing,
    ...{ jobs: 0, calls: 0 },
  };
  let part = `${title} was not measured`;
  let running: Running | undefined;
  try {
    say(`${title}: starts`);
    running = await contestant.open(world);
    await measureContestant(world, running, plan, result, (what) => {
      part = `${title}, ${what}`;
      say(`${title}: ${what}`);
    });
  } catch (error) {
    note(part, error);
  }
  await stopSide(title, running, note);
  return result;
}

/** @param ratios - filled as it goes */
async function runRatios(
  { world, plan, say, note }: Run,
  ran: readonly Contestant[],
  ratios: RatioResult[],
): Promise<void> {
  const floor = ran.find(({ name }) => name === 'bare');
  const ours = ran.filter(({ name }) => plan.ratioOf.includes(name));
  if (!floor || ours.length === 0 || plan.rounds === 0 || plan.ratioLevels.length === 0) return;
  const open: Side[] = [];
  let what = 'Against the bare workflow';
  try {
    for (const { name, open: start } of [floor, ...ours]) open.push({ name, running: await start(world) });
    for (const side of open.slice(1)) {
      for (const level of plan.ratioLevels) {
        what = `${side.name} against bare, ${level.inFlight} in flight`;
        const onRound = (round: number) => say(`${what}: round ${round} of ${plan.rounds}`);
        ratios.push(await measureRatio(side, open[0]!, level, plan, onRound));
      }
    }
  } catch (error) {
    note(what, error);
  }
  for (const { name, running } of open) await stopSide(name, running, note);
}

async function stopSide(name: string, running: Running | undefined, note: Run['note']): Promise<void> {
  await running?.stop().catch((error: unknown) => note(`${name}, its end`, error));
}
