import { Command, InvalidArgumentError } from 'commander';
import { CONTESTANTS } from './contestants';
import type { PlanOptions } from './plan';

/** What the command line says. */
export interface BenchOptions extends PlanOptions {
  quick: boolean;
  only?: string[];
  json?: string;
  svg?: string;
}

const names = CONTESTANTS.map(({ name }) => name);

/** @throws CommanderError once it has told what is wrong, or given its help */
export function parseCommand(): BenchOptions {
  return new Command('bench')
    .description(
      'Measures infer-once beside what people would use in its place, on this machine: one provider with a fixed delay and a ledger, each contestant with a worker process of its own. The table goes to stdout, progress to stderr.',
    )
    .option(
      '--quick',
      'under 3 minutes: fewer jobs, 1,000 in flight and ratios at 100 left out, and nobody is killed',
      false,
    )
    .option('--only <names>', `these alone, by commas: ${names.join(', ')}`, parseOnly)
    .option(
      '--in-flight <numbers>',
      'these loads alone, by commas, e.g. 1,10; ratios up to 100, --quick up to 10',
      (text) => text.split(',').map(positive),
    )
    .option('--jobs <n>', 'at most so many jobs a load', positive)
    .option('--rounds <n>', 'rounds of each ratio, best an even number; 0 = no ratio', whole)
    .option('--delay <ms>', 'how long each call takes at the provider (50)', whole)
    .option('--json <file>', 'write the figures there')
    .option('--svg <file>', 'draw them there')
    .addHelpText(
      'after',
      '\nExit: 0 measured, 1 something could not be (named under the table), 2 the command line, 130 Ctrl-C.\n\nExamples:\n  npm run bench -- --quick --json bench.json --svg bench.svg\n  npm run bench -- --only bare,client --in-flight 1,10',
    )
    .exitOverride()
    .parse()
    .opts<BenchOptions>();
}

function whole(text: string): number {
  if (/^\d{1,6}$/.test(text.trim())) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 0 to 999999.');
}

function positive(text: string): number {
  if (/^\d{1,6}$/.test(text.trim()) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 999999.');
}

function parseOnly(text: string): string[] {
  const wanted = text.split(',').map((name) => name.trim());
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new InvalidArgumentError(`${unknown} is none of ${names.join(', ')}.`);
  return wanted;
}
