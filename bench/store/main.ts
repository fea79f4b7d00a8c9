import { orInterrupted } from '../../src/dev/demo/interrupt';
import { benchCommand, outputFile, someOf, wholeNumber } from '../support/options';
import { runCommand, writeFigures } from '../support/run-command';
import type { Scope } from '../support/scope';
import { BACKENDS } from './backends';
import { loadJobs, type Writes } from './jobs';
import { compareSizes, FEW_RECORDS, type Sizes, toText } from './sizes';

const NAMES = Object.keys(BACKENDS);

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

async function measure(scope: Scope, name: string): Promise<{ writes: Writes; sizes: Sizes | null }> {
  const open = BACKENDS[name]!;
  const tell = (line: string) => console.error(line);
  const { backend, sizes } = options.records
    ? await compareSizes(scope, open, options.records, tell)
    : { backend: await open(scope), sizes: null };
  if (sizes) tell(toText(sizes));
  // beside the many, where many were asked for
  const writes = await loadJobs(name, backend.store, options);
  const { perSecond, p50Ms, p99Ms } = writes;
  tell(
    `${name}: ${Math.round(perSecond)} jobs a second, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`,
  );
  return { writes, sizes };
}

async function main(scope: Scope): Promise<number> {
  const writes: Writes[] = [];
  const sizes: Sizes[] = [];
  for (const name of options.stores) {
    const found = await scope.within((inner) => measure(inner, name));
    writes.push(found.writes);
    if (found.sizes) sizes.push(found.sizes);
  }
  writeFigures(options.json, { options, writes, sizes });
  return 0;
}

runCommand((scope, stop) => orInterrupted(main(scope), stop));
