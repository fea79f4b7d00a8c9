import { join } from 'node:path';
import { Option } from 'commander';
import { orInterrupted } from '../../src/dev/demo/interrupt';
import { benchCommand, outputFile, outputFolder, wholeNumber } from '../support/options';
import { runCommand, writeFigures } from '../support/run-command';
import type { Scope } from '../support/scope';
import { type BatchCost, measureBatch, writeJobs } from './batch';
import { measureInFlight } from './in-flight';
import { fillStore } from './records';
import { measureStored, type StoredCost } from './stored';

const options = benchCommand('bench:growth')
  .description(
    'Measures whether a job costs more with more jobs in flight, and with more records stored; and the memory of a batch over all of them.',
  )
  .option('--records <n>', 'the most records, in steps of ten from 100', wholeNumber(100, 10_000), 1_000_000)
  .option('--in-flight <n>', 'the most jobs in flight, in steps of ten from 1', wholeNumber(), 1_000)
  .addOption(new Option('--only <part>', 'measure one of the two').choices(['records', 'in-flight']))
  .option(
    '--dir <folder>',
    "where the store and the files are made, in a new folder that is gone at the end; default the system's temporary one (a million: 3 GB)",
    outputFolder,
  )
  .option('--json <file>', 'write the figures there', outputFile)
  .addHelpText(
    'after',
    '\nExit: 0 measured, 1 it could not be, 2 usage, 130 Ctrl-C.\n\nExamples:\n  npm run bench:growth -- --json growth.json\n  npm run bench:growth -- --records 10000 --in-flight 100\n  npm run bench:growth -- --only in-flight --in-flight 10000',
  )
  .parse()
  .opts<{
    records: number;
    inFlight: number;
    only?: 'records' | 'in-flight';
    dir?: string;
    json?: string;
  }>();

/** From `first` in steps of ten, and the last. */
function levels(first: number, last: number): number[] {
  const steps: number[] = [];
  for (let step = first; step < last; step *= 10) steps.push(step);
  return [...steps, last];
}

const ms = (value: number) => (value < 1 ? value.toFixed(3) : value.toFixed(1));

async function growRecords(scope: Scope): Promise<{ stored: StoredCost[]; batch: BatchCost[] }> {
  const dir = scope.folder('bench-growth-', options.dir);
  const [store, input, output] = ['store.db', 'jobs.jsonl', 'records.jsonl'].map((name) => join(dir, name));
  const files = { store: store!, input: input!, output: output! };
  const stored: StoredCost[] = [];
  const batch: BatchCost[] = [];
  let filled = 0;
  for (const records of levels(100, options.records)) {
    await fillStore(files.store, filled, records);
    filled = records;
    const cost = await measureStored(files.store, records);
    stored.push(cost);
    const { duplicate, write } = cost;
    console.error(
      `${records} records: a duplicate p50 ${ms(duplicate.p50Ms)} ms, cpu ${ms(duplicate.cpuMs)} ms; a durable write p50 ${ms(write.p50Ms)} ms, cpu ${ms(write.cpuMs)} ms`,
    );
    await writeJobs(files.input, records);
    const run = await measureBatch(files, records, scope);
    batch.push(run);
    console.error(
      `batch of ${records} completed jobs: at most ${Math.round(run.peakMb)} MB, ${run.seconds.toFixed(1)} s, cpu ${ms(run.cpuMs)} ms a line (${run.said})`,
    );
  }
  return { stored, batch };
}

async function main(scope: Scope): Promise<number> {
  const records = options.only === 'in-flight' ? null : await growRecords(scope);
  const inFlight =
    options.only === 'records'
      ? null
      : await measureInFlight(scope, levels(1, options.inFlight), (cost) =>
          console.error(
            `${cost.inFlight} in flight: ${cost.perSecond.toFixed(1)} a second, p50 ${ms(cost.p50Ms)} ms, p99 ${ms(cost.p99Ms)} ms; cpu a job: worker ${ms(cost.workerCpuMs)} ms, client ${ms(cost.clientCpuMs)} ms; worker ${Math.round(cost.workerMb)} MB, stood still ${Math.round(cost.workerStallMs)} ms at most`,
          ),
        );
  writeFigures(options.json, { ...records, inFlight });
  return 0;
}

runCommand((scope, stop) => orInterrupted(main(scope), stop));
