import { CONTESTANTS } from './contestants';
import type { PlanOptions } from './plan';
import { benchCommand, outputFile, someOf, wholeNumber, wholeNumbers } from './support/options';

/** What the command line says. */
export interface BenchOptions extends PlanOptions {
  quick: boolean;
  only?: string[];
  json?: string;
  svg?: string;
}

const names = CONTESTANTS.map(({ name }) => name);

/** Ends the process, with 2, where it was used wrongly. */
export function parseCommand(): BenchOptions {
  return benchCommand('bench')
    .description(
      'Measures infer-once beside what people would use in its place, on this machine: one provider with a fixed delay and a ledger, each contestant with a worker process of its own. The table goes to stdout, progress to stderr.',
    )
    .option(
      '--quick',
      'under 3 minutes: fewer jobs, 1,000 in flight and ratios at 100 left out, and nobody is killed',
      false,
    )
    .option('--only <names>', `these alone, by commas: ${names.join(', ')}`, someOf(names))
    .option(
      '--in-flight <numbers>',
      'these loads alone, by commas, e.g. 1,10; ratios up to 100, --quick up to 10',
      wholeNumbers,
    )
    .option('--jobs <n>', 'at most so many jobs a load', wholeNumber())
    .option('--rounds <n>', 'rounds of each ratio, best an even number; 0 = no ratio', wholeNumber(0))
    .option('--delay <ms>', 'how long each call takes at the provider (50)', wholeNumber(0, 50))
    .option('--json <file>', 'write the figures there', outputFile)
    .option('--svg <file>', 'draw them there', outputFile)
    .addHelpText(
      'after',
      '\nExit: 0 measured, 1 something could not be (named under the table), 2 the command line, 130 Ctrl-C.\n\nExamples:\n  npm run bench -- --quick --json bench.json --svg bench.svg\n  npm run bench -- --only bare,client --in-flight 1,10',
    )
    .parse()
    .opts<BenchOptions>();
}
