import { readdirSync, readFileSync } from 'node:fs';

/** What a process uses now. */
export interface ProcessUsage {
  /** Processor time so far, user and system. */
  cpuMs: number;
  /** Resident memory. */
  rssMb: number;
  /** The most resident memory so far. */
  peakMb: number;
  /** Open file descriptors. */
  handles: number;
}

/** A process and who started it. */
export interface ProcessTime {
  pid: number;
  parent: number;
  /** Processor time so far, user and system. */
  cpuMs: number;
  /** The same of its children that have ended and were waited for. */
  endedCpuMs: number;
}

/** The kernel's tick as `/proc` counts it: 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;

/** As `/proc` tells it; null where there is no such process, or no `/proc`. */
export function usageOf(pid: number): ProcessUsage | null {
  const time = timeOf(pid);
  if (!time) return null;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const megabytes = (name: string) =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
    return {
      cpuMs: time.cpuMs,
      rssMb: megabytes('VmRSS'),
      peakMb: megabytes('VmHWM'),
      handles: readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch {
    return null;
  }
}

/** The time of every process of this machine; null where there is no `/proc`. */
export function listProcessTimes(): ProcessTime[] | null {
  try {
    return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (timeOf(Number(name)) ?? []) : []));
  } catch {
    return null;
  }
}

function timeOf(pid: number): ProcessTime | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // after the name, which may hold anything: state, parent, …; 11 to 14 are its time and its dead children's
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const ms = (user: number, system: number) => (fields[user]! + fields[system]!) * TICK_MS;
    return { pid, parent: fields[1]!, cpuMs: ms(11, 12), endedCpuMs: ms(13, 14) };
  } catch {
    // it has ended meanwhile
    return null;
  }
}
