import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { transformSync } from '@swc/core';
import { SimAbortController, SimSignal } from './signals';

const ROOT = resolve(__dirname, '../..');
const nodeRequire = createRequire(join(ROOT, 'package.json'));

/** One breakage of the protocol's text: `find` must be there, once. */
export interface Edit {
  /** Below `src`, e.g. `once/rules/settle.ts`. */
  file: string;
  find: string;
  replace: string;
}

/** What a module gets in place of what it imports: a package by its name, a source by its path below `src`. */
export type Overrides = Record<string, unknown>;

type Exports = Record<string, unknown>;
interface Compiled {
  run(exports: Exports, require: (name: string) => unknown, ...globals: unknown[]): void;
  /** The sources that it imports, below `src`, by the name that it gives them. */
  imports: Map<string, string>;
}

/** What the modules of one simulated process see as their globals. */
export interface Globals {
  AbortSignal?: unknown;
  setInterval?: unknown;
  clearInterval?: unknown;
}

/**
 * The texts of the sources that these edits change, by their paths below `src`.
 *
 * @throws Error where an edit does not apply, or applies twice: a mutant must not fade away unseen
 */
export function applyEdits(edits: readonly Edit[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const parts = (texts.get(file) ?? read(file)).split(find);
    if (parts.length !== 2) {
      throw new Error(
        `src/${file} holds ${parts.length - 1} times, not once, what an edit replaces: ${find}`,
      );
    }
    texts.set(file, parts.join(replace));
  }
  return texts;
}

const compiledOnce = new Map<string, Compiled>();

/**
 * The production sources, read from `src` and compiled as they are, with at most a few edits. Modules of
 * the core are shared; those that speak to Temporal or to timers are made anew for each simulated process.
 */
export class Sources {
  private readonly texts: Map<string, string>;
  private readonly compiled = new Map<string, Compiled>();
  private readonly shared = new Map<string, Exports>();

  /** @throws Error where an edit does not apply, or applies twice */
  constructor(edits: Edit[] = []) {
    this.texts = applyEdits(edits);
  }

  /** A module of the core, shared by everything that is loaded from these sources. */
  core<T>(file: string): T {
    return this.load(file, this.shared, {}, undefined) as T;
  }

  /** A set of modules of its own: `files` and what they import outside of the core, with other imports. */
  bind(overrides: Overrides, globals?: Globals): <T>(file: string) => T {
    const own = new Map<string, Exports>();
    return <T>(file: string) => this.load(file, own, overrides, globals) as T;
  }

  private load(
    file: string,
    own: Map<string, Exports>,
    overrides: Overrides,
    globals: Globals | undefined,
  ): Exports {
    if (file in overrides) return overrides[file] as Exports;
    const modules = isCore(file) ? this.shared : own;
    const loaded = modules.get(file);
    if (loaded) return loaded;
    const exports: Exports = {};
    modules.set(file, exports);
    const { run, imports } = this.compile(file);
    const require = (wanted: string): unknown => {
      if (wanted in overrides) return overrides[wanted];
      const source = imports.get(wanted);
      return source === undefined ? nodeRequire(wanted) : this.load(source, own, overrides, globals);
    };
    run(
      exports,
      require,
      globals?.AbortSignal ?? SimSignal,
      SimAbortController,
      globals?.setInterval,
      globals?.clearInterval,
    );
    return exports;
  }

  private compile(file: string): Compiled {
    const known = this.compiled.get(file);
    if (known) return known;
    const edited = this.texts.get(file);
    const compiled =
      edited === undefined ? (compiledOnce.get(file) ?? compile(file, read(file))) : compile(file, edited);
    if (edited === undefined) compiledOnce.set(file, compiled);
    this.compiled.set(file, compiled);
    return compiled;
  }
}

const isCore = (name: string): boolean => !/^(client|activities|workflows)\//.test(name);

const read = (file: string): string => readFileSync(join(ROOT, 'src', file), 'utf8');

function compile(file: string, text: string): Compiled {
  const { code } = transformSync(text, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'commonjs' },
  });
  // time and timers of this process are out of reach: they would make a run differ from the next
  const names = 'exports, require, AbortSignal, AbortController, setInterval, clearInterval, setTimeout';
  const imports = new Map<string, string>();
  for (const [, wanted] of code.matchAll(/require\("(\.[^"]+)"\)/g)) {
    imports.set(wanted!, `${join(dirname(file), wanted!)}.ts`);
  }
  return { run: new Function(...names.split(', '), code) as Compiled['run'], imports };
}
