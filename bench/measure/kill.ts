import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from '../contestants/contestant';
import type { World } from '../world';
import { JobSource } from './job-source';
import type { KillResult } from './results';

/** Long enough that all calls are under way when the worker dies. */
const CALL_MS = 3_000;
const UNDER_WAY_LIMIT_MS = 60_000;

/**
 * Kills the worker by SIGKILL while each job is in mid-call, starts another at once, and waits for the answers. The
 * provider goes on with the calls, as a real one does, and bills them.
 */
export async function measureKill(
  { model }: World,
  running: Running,
  name: string,
  { killJobs, killLimitSeconds }: { killJobs: number; killLimitSeconds: number },
): Promise<KillResult> {
  const source = new JobSource(`kill-${name}`);
  await model.rules({ do: { delay_ms: CALL_MS } });
  let answered = 0;
  let last = 0;
  const jobs = [...source.take(killJobs)];
  const all = Promise.allSettled(
    jobs.map(async (job) => {
      if (!(await running.run(job))) return;
      answered += 1;
      last = performance.now();
    }),
  );
  const isOurs = (id: string | null) => id !== null && source.owns(id);
  await model.waitForState(
    ({ in_flight }) => in_flight.filter(({ job_id }) => isOurs(job_id)).length === killJobs,
    UNDER_WAY_LIMIT_MS,
  );
  const killed = performance.now();
  await running.worker!.kill();
  await model.rules();
  await running.worker!.start();
  const enough = new AbortController();
  await Promise.race([
    all,
    delay(killLimitSeconds * 1000, undefined, { signal: enough.signal }).catch(() => 0),
  ]);
  enough.abort();
  // a second call of a job that has its answer would be billed too
  await model.waitForState(({ in_flight }) => in_flight.every(({ job_id }) => !isOurs(job_id)));
  const calls = model.ledger().filter((entry) => entry.phase === 'billed' && isOurs(entry.job_id)).length;
  return { jobs: killJobs, calls, answered, recoveryMs: answered > 0 ? last - killed : null };
}
