import { cpus, release, totalmem, type } from 'node:os';
import type { BenchResult } from '../measure/results';

/** The machine that this runs on. */
export function describeMachine(): BenchResult['machine'] {
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown processor',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.version,
  };
}
