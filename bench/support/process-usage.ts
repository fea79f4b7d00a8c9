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

/** The kernel's tick as `/proc` counts it: 100 a second on every Linux that Node runs on. */
const TICK_MS = 10;

/** As `/proc` tells it; null where there is no such process, or no `/proc`. */
export function usageOf(pid: number): ProcessUsage | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    // the name in brackets may have spaces
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    const ticks = Number(stat[11]) + Number(stat[12]);
    const megabytes = (name: string) =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
    return {
      cpuMs: ticks * TICK_MS,
      rssMb: megabytes('VmRSS'),
      peakMb: megabytes('VmHWM'),
      handles: readdirSync(`/proc/${pid}/fd`).length,
    };
  } catch {
    return null;
  }
}
