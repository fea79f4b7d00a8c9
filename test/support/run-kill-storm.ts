import { createRng } from '../sim/rng';
import type { CrashWorld } from './crash-world';
import { streamJobs } from './job-stream';
import { killWorkers } from './kill-storm';

const AT_ONCE = 16;

/** How long a storm may take. */
export const stormTimeoutMs = (jobs: number): number => 120_000 + jobs * 2_000;

/**
 * Streams jobs through a store of the world while one of two workers of the real command after the other is killed at
 * random, and holds every one to one call and one answer.
 *
 * @param name - of the lane and the jobs
 * @param size - how many jobs; more where no death has hit a call by then
 */
export async function runKillStorm(world: CrashWorld, name: string, size: number): Promise<void> {
  const lane = await world.openLane(name);
  const spec = { program: 'command', onUnknown: 'rerun', env: { INFER_ONCE_CALL_TIMEOUT: '3s' } } as const;
  const decisions: string[] = [];
  let recovered = 0;
  const began = performance.now();
  const jobs = streamJobs(lane, name, {
    streams: AT_ONCE,
    hear({ source }) {
      if (source === 'recovered') recovered += 1;
      const { length } = jobs.ids;
      if (length >= 3 * size || (length >= size && recovered > 0)) void jobs.end();
    },
    // the policy runs a job again once; one that was hit twice before its call was sent waits for a person
    decide({ job_id, token }) {
      decisions.push(job_id);
      return lane.jobs.resolve(job_id, { action: 'rerun', doubt: token, by: 'ann' });
    },
  });
  const rng = createRng(Number(process.env.CRASH_SEED ?? 1));
  const kills = await killWorkers(lane, spec, rng, jobs.ended);
  await jobs.ended;
  const seconds = (performance.now() - began) / 1000;

  const records = await Promise.all(jobs.ids.map(async (id) => (await lane.jobs.get(id))!));
  expect(records.filter(({ status }) => status !== 'COMPLETED')).toEqual([]);
  expect(records.filter(({ job_id }) => world.model.billed(job_id) !== 1)).toEqual([]);
  // deaths that hit no call have shown nothing
  expect(recovered).toBeGreaterThan(0);
  const again = records.filter(({ attempts }) => attempts > 1).length;
  process.stdout.write(
    `${name}: ${records.length} jobs, ${kills} workers killed in ${seconds.toFixed(0)} s: as many calls billed, ` +
      `${recovered} answers recovered, ${again} claims that sent nothing claimed again, ${decisions.length} decisions\n`,
  );
}
