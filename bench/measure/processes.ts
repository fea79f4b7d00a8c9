import type { Running } from '../contestants/contestant';
import { listProcessTimes } from '../support/process-usage';

/** Time of one processor, in ms: of processes with all their children, past and present. Null where /proc is not. */
export function cpuMs(pids: readonly number[]): number | null {
  const all = listProcessTimes();
  if (!all) return null;
  const wanted = new Set(pids);
  // children come after their parents often, not always
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const { pid, parent } of all) if (wanted.has(parent)) wanted.add(pid);
  }
  return all
    .filter(({ pid }) => wanted.has(pid))
    .reduce((sum, { cpuMs: own, endedCpuMs }) => sum + own + endedCpuMs, 0);
}

/** Processor time that a contestant takes from now on, ms: of its worker, and of all but the provider. */
export function startCpuMeter({ worker, servers }: Pick<Running, 'worker' | 'servers'>) {
  const read = () => ({ worker: cpuMs(worker ? [worker.pid()] : []), servers: cpuMs(servers) });
  const before = read();
  const own = process.cpuUsage();
  return (): { worker: number | null; all: number | null } => {
    const now = read();
    const { user, system } = process.cpuUsage(own);
    if (now.worker === null || now.servers === null) return { worker: null, all: null };
    const spent = { worker: now.worker - before.worker!, servers: now.servers - before.servers! };
    return { worker: spent.worker, all: spent.worker + spent.servers + (user + system) / 1000 };
  };
}
