import type { Contestant, Running } from './contestants/contestant';
import { measureContestant } from './measure/contestant';
import { measureRatio, type Side } from './measure/ratio';
import type { ContestantResult, RatioResult } from './measure/results';
import type { Plan } from './plan';
import { versionsOf } from './report/versions';
import type { World } from './world';

/** One after the other, so that each has the machine; then ours and the bare workflow in turn. */
export async function runBench(
  world: World,
  contestants: readonly Contestant[],
  plan: Plan,
  say: (line: string) => void,
  stop: AbortSignal,
): Promise<{ contestants: ContestantResult[]; ratios: RatioResult[] }> {
  const results: ContestantResult[] = [];
  for (const contestant of contestants) {
    results.push(await runContestant(world, contestant, plan, say));
    // its servers are being ended
    stop.throwIfAborted();
  }
  const ran = contestants.filter(({ name }) => !results.find((result) => result.name === name)?.fault);
  return { contestants: results, ratios: await runRatios(world, ran, plan, say) };
}

async function runContestant(
  world: World,
  contestant: Contestant,
  plan: Plan,
  say: (line: string) => void,
): Promise<ContestantResult> {
  const { name, title, packages } = contestant;
  const versions = versionsOf(packages);
  const tell = (what: string) => say(`${title}: ${what}`);
  let running: Running | undefined;
  try {
    tell('starts');
    running = await contestant.open(world);
    return { ...(await measureContestant(world, contestant, running, plan, tell)), versions };
  } catch (error) {
    const fault = (error as Error).message.split('\n')[0]!;
    tell(fault);
    const nothing = { levels: [], duplicates: null, history: null, memory: null, kill: null };
    return { name, title, versions, fault, ...nothing, jobs: 0, calls: 0 };
  } finally {
    await running?.stop();
  }
}

async function runRatios(
  world: World,
  ran: readonly Contestant[],
  plan: Plan,
  say: (line: string) => void,
): Promise<RatioResult[]> {
  const floor = ran.find(({ name }) => name === 'bare');
  const ours = ran.filter(({ name }) => plan.ratioOf.includes(name));
  if (!floor || ours.length === 0 || plan.rounds === 0) return [];
  const open: Side[] = [];
  try {
    for (const { name, open: start } of [floor, ...ours]) open.push({ name, running: await start(world) });
    const ratios: RatioResult[] = [];
    for (const side of open.slice(1)) {
      for (const level of plan.ratioLevels) {
        const what = `${side.name} against bare, ${level.inFlight} in flight`;
        const onRound = (round: number) => say(`${what}: round ${round} of ${plan.rounds}`);
        ratios.push(await measureRatio(side, open[0]!, level, plan, onRound));
      }
    }
    return ratios;
  } finally {
    for (const { running } of open) await running.stop();
  }
}
