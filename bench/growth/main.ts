import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { type BatchCost, measureBatch, writeJobs } from './batch';
import { measureInFlight } from './in-flight';
import { fillStore } from './records';
import { measureStored, type StoredCost } from './stored';

const count = (text: string) => Number.parseInt(text, 10);
const options = new Command('bench:growth')
  .description(
    'Measures whether a job costs more with more jobs in flight, and with more records stored; and the memory of a batch over all of them.',
  )
  .option('--records <n>', 'the most records, in steps of ten from 100', count, 1_000_000)
  .option('--in-flight <n>', 'the most jobs in flight, in steps of ten from 1', count, 1_000)
  .option('--only <part>', '"records" or "in-flight"')
  .option('--dir <folder>', 'where the store and the files go; default a temporary folder (a million: 3 GB)')
  .option('--json <file>', 'write the figures there')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run bench:growth -- --json growth.json\n  npm run bench:growth -- --records 10000 --in-flight 100\n  npm run bench:growth -- --only in-flight --in-flight 10000',
  )
  .parse()
  .opts<{ records: number; inFlight: number; only?: string; dir?: string; json?: string }>();

/** From `first` in steps of ten, and the last. */
function levels(first: number, last: number): number[] {
  const steps: number[] = [];
  for (let step = first; step < last; step *= 10) steps.push(step);
  return [...steps, last];
}

const ms = (value: number) => (value < 1 ? value.toFixed(3) : value.toFixed(1));

async function growRecords(dir: string): Promise<{ stored: StoredCost[]; batch: BatchCost[] }> {
  const [store, input, output] = ['store.db', 'jobs.jsonl', 'records.jsonl'].map((name) => join(dir, name));
  const files = { store: store!, input: input!, output: output! };
  const stored: StoredCost[] = [];
  const batch: BatchCost[] = [];
  let filled = 0;
  for (const records of levels(100, options.records)) {
    await fillStore(files.store, filled, records);
    filled = records;
    const cost = await measureStored(files.store, records, stored.length);
    stored.push(cost);
    const { duplicate, write } = cost;
    console.error(
      `${records} records: a duplicate p50 ${ms(duplicate.p50Ms)} ms, cpu ${ms(duplicate.cpuMs)} ms; a durable write p50 ${ms(write.p50Ms)} ms, cpu ${ms(write.cpuMs)} ms`,
    );
    await writeJobs(files.input, records);
    const run = await measureBatch(files, records);
    batch.push(run);
    console.error(
      `batch of ${records} completed jobs: at most ${Math.round(run.peakMb)} MB, ${run.seconds.toFixed(1)} s, cpu ${ms(run.cpuMs)} ms a line (${run.said})`,
    );
  }
  return { stored, batch };
}

async function main(): Promise<void> {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'bench-growth-'));
  try {
    const records = options.only === 'in-flight' ? null : await growRecords(dir);
    const inFlight =
      options.only === 'records'
        ? null
        : await measureInFlight(levels(1, options.inFlight), (cost) =>
            console.error(
              `${cost.inFlight} in flight: ${cost.perSecond.toFixed(1)} a second, p50 ${ms(cost.p50Ms)} ms, p99 ${ms(cost.p99Ms)} ms; cpu a job: worker ${ms(cost.workerCpuMs)} ms, client ${ms(cost.clientCpuMs)} ms; worker ${Math.round(cost.workerMb)} MB, stood still ${Math.round(cost.workerStallMs)} ms at most`,
            ),
          );
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
    const figures = { date: new Date().toISOString(), machine, ...records, inFlight };
    if (options.json) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
    else console.log(JSON.stringify(figures, null, 2));
  } finally {
    if (!options.dir) rmSync(dir, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
