import type { JobRecord } from '../../job';
import { loadRecord } from '../../once/record';
import { openStore } from '../../store/open';
import type { HistoryEvent } from '../check-history';
import { calledEvents } from '../offline/ledger';
import { startClients } from './clients';
import { countRun, type Figures } from './figures';
import { orInterrupted } from './interrupt';
import { COPIES, filmJobs } from './jobs';
import { holdLaterCalls, type Kill, killWhileHeld } from './kill-in-mid-call';
import { startProgress } from './progress';
import type { World } from './world';

/** How the run is to go. */
export interface RunPlan {
  jobs: number;
  concurrency: number;
  /** Kill a worker in mid-call. */
  kill: boolean;
  /** Longest wait for one answer. */
  timeoutMs: number;
}

/** How it went. */
export interface RunReport {
  figures: Figures;
  kill: Kill | null;
  model: string | null;
  /** Why submissions got no answer, the first few. */
  unanswered: string[];
}

const SHOWN_UNANSWERED = 3;
const POLL_BILLED_MS = 500;

/**
 * Submits all jobs from both clients, kills a worker on the way, and counts.
 *
 * @param signal - ends it at once
 * @throws UserError where a part ended; the signal's reason
 */
export async function runDemo(world: World, plan: RunPlan, signal: AbortSignal): Promise<RunReport> {
  const { stack, logFd } = world;
  const log: HistoryEvent[] = [];
  const { jobs, timeoutMs } = plan;
  if (stack.offline && plan.kill) await holdLaterCalls(stack.offline, jobs);
  const started = startClients({ env: stack.env, logFd, jobs, timeoutMs }, (event) => log.push(event));
  const clients = await orInterrupted(started, signal);
  const progress = startProgress(jobs * COPIES);
  const answers = () => log.filter(({ type }) => type === 'answered').length;
  const watch = watchBilled(world, (billed) => progress.update({ answers: answers(), billed }));
  let kill: Kill | null = null;
  const onKill = (told: Kill) => {
    kill = told;
    progress.note(describeKill(told));
  };
  try {
    const began = performance.now();
    clients.go();
    const over = new AbortController();
    const done = clients.done.finally(() => over.abort());
    const killed = plan.kill ? killAWorker(world, plan, answers, over.signal, onKill) : null;
    await orInterrupted(Promise.race([Promise.all([done, killed]), failureOf(world)]), signal);
    const seconds = (performance.now() - began) / 1000;
    // a call that should not be there would be billed only at its end
    await stack.offline?.waitForState(({ in_flight }) => in_flight.length === 0);
    const records = await readRecords(world, jobs);
    log.push(...recordEvents(records), ...calledEvents(stack.offline?.ledger() ?? []));
    const figures = countRun({ jobs, log, records, hasLedger: stack.offline !== null, seconds });
    progress.update({ answers: figures.answers, billed: stack.offline && figures.billed });
    return { figures, kill, model: records[0]?.model ?? null, unanswered: whyUnanswered(log) };
  } finally {
    watch.stop();
    progress.stop();
    await clients.kill();
  }
}

async function killAWorker(
  world: World,
  { jobs, concurrency }: RunPlan,
  answers: () => number,
  over: AbortSignal,
  onKill: (kill: Kill) => void,
): Promise<void> {
  const { stack, air } = world;
  if (stack.offline) return killWhileHeld(stack, stack.offline, concurrency, onKill);
  // nothing holds a real call: take the first moment with some in the air, once a third is done
  const { pid } = stack.workers()[0]!;
  try {
    await air.untilSomeAreOut(pid, () => answers() >= jobs, over);
  } catch {
    // all were answered before
    return;
  }
  const calls = air.of(pid);
  await stack.killWorker(0);
  onKill({ pid, calls });
}

function describeKill({ pid, calls }: Kill): string {
  return `Worker ${pid} killed (SIGKILL) with ${calls} call${calls === 1 ? '' : 's'} in mid-air; another takes its place.`;
}

async function failureOf({ stack }: World): Promise<never> {
  throw await stack.failed;
}

function watchBilled({ stack }: World, onCount: (billed: number | null) => void): { stop(): void } {
  let billed: number | null = null;
  const look = async () => {
    const state = await stack.offline?.state().catch(() => null);
    billed = state?.billed ?? billed;
    onCount(billed);
  };
  const timer = setInterval(look, POLL_BILLED_MS);
  return { stop: () => clearInterval(timer) };
}

async function readRecords({ stack }: World, jobs: number): Promise<JobRecord[]> {
  const store = await openStore(stack.storeUrl);
  try {
    const rows = await Promise.all(filmJobs(jobs).map(({ job_id }) => store.read(job_id)));
    return await Promise.all(rows.flatMap(({ job }) => (job ? [loadRecord(store, job)] : [])));
  } finally {
    await store.close();
  }
}

function recordEvents(records: JobRecord[]): HistoryEvent[] {
  return records.map((record) => ({ type: 'recorded', job: record.job_id, record }));
}

function whyUnanswered(log: readonly HistoryEvent[]): string[] {
  const whys = log.flatMap((event) => (event.type === 'unanswered' ? [event.why] : []));
  return [...new Set(whys)].slice(0, SHOWN_UNANSWERED);
}
