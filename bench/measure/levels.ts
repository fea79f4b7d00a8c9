import type { Running } from '../contestants/contestant';
import { percentile } from '../report/statistics';
import type { JobSource } from './job-source';
import { timeJobs } from './load';
import { startCpuMeter } from './processes';
import type { LevelResult } from './results';

/** Fresh jobs, so many in flight at once; no new one is begun after so many seconds. */
export async function measureLevel(
  running: Running,
  source: JobSource,
  { inFlight, jobs: most }: { inFlight: number; jobs: number },
  seconds: number,
): Promise<LevelResult> {
  const meter = startCpuMeter(running);
  const { times, seconds: took } = await timeJobs(source.take(most, seconds), inFlight, running.run);
  const jobs = times.length;
  const cpu = meter();
  const perJob = (ms: number | null) => (ms === null ? null : ms / jobs);
  return {
    inFlight,
    jobs,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    maxMs: percentile(times, 1),
    jobsPerSecond: jobs / took,
    workerCpuMs: running.worker ? perJob(cpu.worker) : null,
    allCpuMs: perJob(cpu.all),
  };
}
