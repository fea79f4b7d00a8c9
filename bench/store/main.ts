import { orInterrupted } from '../../src/dev/demo/interrupt';
import { benchCommand, outputFile, someOf, wholeNumber } from '../support/options';
import { runCommand, writeFigures } from '../support/run-command';
import type { Scope } from '../support/scope';
import { BACKENDS } from './backends';
import { loadJobs, type Writes } from './jobs';
import { growTo, measureTimes, type Times } from './records';

const NAMES = Object.keys(BACKENDS);
/** The size beside which the one that was asked for is told. */
const FEW_RECORDS = 1_000;

const options = benchCommand('bench:store')
  .description(
    'Measures the stores on this machine, without Temporal: whole jobs a second, and with --records how long one request takes beside so many completed records.',
  )
  .option('--stores <names>', `which, by commas: ${NAMES.join(', ')}; default all`, someOf(NAMES), NAMES)
  .option('--seconds <n>', 'how long each store is measured', wholeNumber(), 10)
  .option('--at-once <n>', 'how many jobs run at once', wholeNumber(1, 64), 64)
  .option(
    '--records <n>',
    'how many completed records to grow to; the same is measured at 1,000',
    wholeNumber(FEW_RECORDS, 1_000_000),
  )
  .option('--json <file>', 'write the figures there', outputFile)
  .addHelpText(
    'after',
    '\nExit: 0 measured, 1 it could not be, 2 usage, 130 Ctrl-C.\n\nExample:\n  npm run bench:store -- --stores postgres --records 1000000 --json store.json',
  )
  .parse()
  .opts<{ stores: string[]; seconds: number; atOnce: number; records?: number; json?: string }>();

/** For a line of progress: the figures have all that was measured. */
const brief = (_: string, value: unknown) =>
  typeof value === 'number' ? Number(value.toPrecision(3)) : value;

interface Sized {
  store: string;
  records: number;
  bytes: number;
  times: Times;
}

async function measure(scope: Scope, name: string): Promise<{ writes: Writes; sizes: Sized[] }> {
  const backend = await BACKENDS[name]!(scope);
  const sizes: Sized[] = [];
  for (const records of options.records ? [...new Set([FEW_RECORDS, options.records])] : []) {
    await growTo(backend, records);
    const times = await measureTimes(backend.store);
    sizes.push({ store: name, records, bytes: await backend.bytes(), times });
    console.error(`${name}, ${records} records: ${JSON.stringify(times, brief)}`);
  }
  const writes = await loadJobs(name, backend.store, options);
  const { perSecond, p50Ms, p99Ms } = writes;
  console.error(
    `${name}: ${Math.round(perSecond)} jobs a second, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
  );
  return { writes, sizes };
}

async function main(scope: Scope): Promise<number> {
  const writes: Writes[] = [];
  const sizes: Sized[] = [];
  for (const name of options.stores) {
    const found = await scope.within((inner) => measure(inner, name));
    writes.push(found.writes);
    sizes.push(...found.sizes);
  }
  writeFigures(options.json, { options, writes, sizes });
  return 0;
}

runCommand((scope, stop) => orInterrupted(main(scope), stop));
