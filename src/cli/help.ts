import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../duration';
import { EXIT_MEANINGS } from './exit-codes';

/** What stands under a command's options: examples and the exit codes that it can end with. */
export function addEpilogue(
  command: Command,
  examples: string[],
  exits: number[],
  notes: string[] = [],
): Command {
  const text = [
    ...notes.map((note) => `${note}\n`),
    examples.length > 1 ? 'Examples:' : 'Example:',
    ...examples.map((example) => `  ${example}`),
    '',
    'Exit codes:',
    ...exits.map((code) => `  ${code}  ${EXIT_MEANINGS[code]}`),
  ];
  command.showHelpAfterError(`(${pathOf(command)} --help shows how)`);
  return command.addHelpText('after', `\n${text.join('\n')}`);
}

/** What is typed to run a command, e.g. `infer-once keys add`. */
function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

/** `--json` and `--data-dir`, which every command that reads jobs has. */
export function addClientOptions(command: Command): Command {
  return command
    .option('--json', 'JSON on a terminal too: a record a line')
    .option('--data-dir <folder>', 'where infer-once dev keeps its data (default: .infer-once)');
}

/** Reads `30s` or `5m` as milliseconds. */
export function durationOption(text: string): number {
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch {
    throw new InvalidArgumentError('Write a number and ms, s, m, h or d, e.g. 30s.');
  }
  // the longest that a timer can wait
  if (ms > 2_147_483_647) throw new InvalidArgumentError('It may be 24d at most.');
  return ms;
}

/** Reads `90d` as milliseconds: an age, which no timer has to wait. */
export function ageOption(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    throw new InvalidArgumentError('Write a number and ms, s, m, h or d, e.g. 90d.');
  }
}

/** Reads a whole number from `least` to `most`. */
export function wholeNumberOption(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

/** `--timeout` with this explanation. */
export function timeoutOption(description: string): Option {
  return new Option('--timeout <duration>', description).argParser(durationOption);
}
