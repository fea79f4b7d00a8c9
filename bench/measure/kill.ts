import { setTimeout as delay } from 'node:timers/promises';
import type { Running } from '../contestants/contestant';
import type { World } from '../world';
import { JobSource } from './job-source';
import type { KillResult } from './results';

/** A slow machine gets there too: the calls are held until they are all there. */
const UNDER_WAY_LIMIT_MS = 120_000;

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
  const isOurs = (id: string | null) => id !== null && source.owns(id);
  let answered = 0;
  let last = 0;
  let killed = 0;
  let all: Promise<unknown>;
  await model.rules({ do: { hold: true } });
  try {
    const jobs = [...source.take(killJobs)];
    all = Promise.allSettled(
      jobs.map(async (job) => {
        if (!(await running.run(job))) return;
        answered += 1;
        last = performance.now();
      }),
    );
    await model.waitForState(
      ({ held }) => held.filter(({ job_id }) => isOurs(job_id)).length === killJobs,
      UNDER_WAY_LIMIT_MS,
    );
    killed = performance.now();
    await running.worker!.kill();
  } finally {
    // what was in the air goes on at the provider; a call that is made again takes the ordinary delay
    await model.rules();
    await model.release();
  }
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
