import type { Running } from '../contestants/contestant';
import { percentile } from '../report/statistics';
import type { JobSource } from './job-source';
import { timeJobs } from './load';
import { cpuMs } from './processes';
import type { LevelResult } from './results';

/** Fresh jobs, so many in flight at once; no new one is begun after so many seconds. */
export async function measureLevel(
  running: Running,
  source: JobSource,
  { inFlight, jobs: most }: { inFlight: number; jobs: number },
  seconds: number,
): Promise<LevelResult> {
  const worker = running.worker ? [running.worker.pid()] : [];
  const before = { worker: cpuMs(worker), servers: cpuMs(running.servers), own: process.cpuUsage() };
  const { times, seconds: took } = await timeJobs(source.take(most, seconds), inFlight, running.run);
  const jobs = times.length;
  const spent = (now: number | null, then: number | null) => (now === null ? null : (now - then!) / jobs);
  const workerMs = spent(cpuMs(worker), before.worker);
  const serversMs = spent(cpuMs(running.servers), before.servers);
  const { user, system } = process.cpuUsage(before.own);
  return {
    inFlight,
    jobs,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    jobsPerSecond: jobs / took,
    workerCpuMs: running.worker ? workerMs : null,
    allCpuMs: workerMs === null ? null : workerMs + serversMs! + (user + system) / 1000 / jobs,
  };
}
