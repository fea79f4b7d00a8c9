import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { usageOf } from '../support/process-usage';
import type { Scope } from '../support/scope';
import { jobAt } from './records';

const COMMAND = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

/** What `infer-once batch` took for a file of completed jobs. */
export interface BatchCost {
  lines: number;
  seconds: number;
  /** The most memory that the process held (Linux: `VmHWM` of /proc). */
  peakMb: number;
  /** Processor time a line, user and system, with the start of the process. */
  cpuMs: number;
  /** Its last line. */
  said: string;
}

/** Writes a file of jobs 0 to `lines` (excluded), one a line. */
export async function writeJobs(file: string, lines: number): Promise<void> {
  function* text() {
    for (let n = 0; n < lines; n += 1) {
      const { job_id, input } = jobAt(n);
      yield `${JSON.stringify({ job_id, input })}\n`;
    }
  }
  await pipeline(Readable.from(text()), createWriteStream(file));
}

/** Runs the real command over a file whose jobs are all completed. */
export async function measureBatch(
  { input, output, store }: { input: string; output: string; store: string },
  lines: number,
  scope: Scope,
): Promise<BatchCost> {
  // nothing of this shell's: with a gateway named the command would not look at the store
  const own = Object.entries(process.env).filter(([name]) => !/^(INFER_ONCE|TEMPORAL)_/.test(name));
  const env = { ...Object.fromEntries(own), INFER_ONCE_STORE_URL: `sqlite:${store}` };
  const began = performance.now();
  const child = spawn(process.execPath, [COMMAND, 'batch', 'enrich', input, '--out', output], {
    env,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  const closed = new Promise<number | null>((done) => child.once('close', done));
  scope.atEnd(() => child.kill('SIGKILL') && closed);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  let [peakMb, cpuMs] = [0, 0];
  const look = setInterval(() => {
    const usage = usageOf(child.pid!);
    peakMb = Math.max(peakMb, usage?.peakMb ?? 0);
    cpuMs = Math.max(cpuMs, usage?.cpuMs ?? 0);
  }, 100);
  const code = await closed;
  clearInterval(look);
  const last = said.trimEnd().split('\n').at(-1)!;
  if (code !== 0) throw new Error(`batch ended with ${code}: ${last}`);
  return { lines, seconds: (performance.now() - began) / 1000, peakMb, cpuMs: cpuMs / lines, said: last };
}
