import { readdirSync, readFileSync } from 'node:fs';
import type { Running } from '../contestants/contestant';

/** Time of one processor, in ms: of processes with all their children, past and present. Null where /proc is not. */
export function cpuMs(pids: readonly number[]): number | null {
  const ticks = listStats();
  if (!ticks) return null;
  const wanted = new Set(pids);
  // children come after their parents often, not always
  for (let before = -1; before !== wanted.size; ) {
    before = wanted.size;
    for (const { pid, parent } of ticks) if (wanted.has(parent)) wanted.add(pid);
  }
  const sum = ticks.filter(({ pid }) => wanted.has(pid)).reduce((all, { ticks }) => all + ticks, 0);
  return sum * MS_PER_TICK;
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

/** Resident memory in MB; null where /proc is not. */
export function memoryMb(pid: number): number | null {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
  } catch {
    return null;
  }
}

/** Linux counts in hundredths of a second, on every machine that people have. */
const MS_PER_TICK = 10;

interface ProcessStat {
  pid: number;
  parent: number;
  ticks: number;
}

function listStats(): ProcessStat[] | null {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (readStat(name) ?? []) : []));
  } catch {
    return null;
  }
}

function readStat(pid: string): ProcessStat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // after the name, which may hold anything: state, parent, …; 11 to 14 are its time and its dead children's
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + fields[at]!, 0);
    return { pid: Number(pid), parent: fields[1]!, ticks };
  } catch {
    // it has ended meanwhile
    return null;
  }
}
