import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

/** A command that ends with 2 where it was used wrongly. */
export function benchCommand(name: string): Command {
  return new Command(name).exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
}

/** Parses an option: decimal digits, so many or more. */
export function wholeNumber(least = 1, example = 10): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && Number.isSafeInteger(value)) return value;
    throw new InvalidArgumentError(`It must be a whole number of ${least} or more, e.g. ${example}.`);
  };
}

/** Parses an option: whole numbers of 1 or more, by commas. */
export function wholeNumbers(text: string): number[] {
  return text.split(',').map((part) => wholeNumber()(part.trim()));
}

/** Parses an option: a number above 0, with a fraction too, and at most `most`. */
export function aboveZero(most: number, example: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (value > 0 && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number above 0, at most ${most}, e.g. ${example}.`);
  };
}

/** Parses an option: names by commas. */
export function someOf(names: readonly string[]): (text: string) => string[] {
  return (text) => {
    const wanted = [...new Set(text.split(',').map((name) => name.trim()))];
    const unknown = wanted.find((name) => !names.includes(name));
    if (unknown === undefined) return wanted;
    throw new InvalidArgumentError(`"${unknown}" is none of ${names.join(', ')}.`);
  };
}

/** Parses an option: a file that can be written. Told before the start: what was measured would else be lost. */
export function outputFile(file: string): string {
  outputFolder(dirname(file));
  if (!existsSync(file)) return file;
  if (statSync(file).isDirectory()) throw new InvalidArgumentError(`${file} is a folder; name a file.`);
  requireWritable(file);
  return file;
}

/** Parses an option: a folder that is there and can be written to. */
export function outputFolder(folder: string): string {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new InvalidArgumentError(`There is no folder ${folder}; make it, or name another.`);
  requireWritable(folder);
  return folder;
}

function requireWritable(path: string): void {
  try {
    accessSync(path, constants.W_OK);
  } catch {
    throw new InvalidArgumentError(`${path} can't be written to; name another.`);
  }
}
