import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { createJiti } from 'jiti';
import { ConfigError } from '../errors';
import { isTask, type Task } from './task';

/**
 * Loads the tasks that a user's module exports: by default or by name, single or in arrays. What else it
 * exports by name (schemas, helpers) is left alone.
 *
 * `import … from 'infer-once'` in it means this very package, wherever the module lies, and so does
 * zod where it has none.
 *
 * @param modulePath - JavaScript or TypeScript, relative to the working directory
 * @throws ConfigError, one sentence that names the path
 */
export async function loadUserTasks(modulePath: string): Promise<Task[]> {
  const path = resolve(modulePath);
  const refuse = (why: string, cause?: unknown): never => {
    throw new ConfigError(`The tasks module ${modulePath} can't be used: ${why}.`, cause);
  };
  if (!existsSync(path)) refuse('there is no such file; check INFER_ONCE_TASKS');
  const exported = await importModule(path).catch((cause: unknown) => refuse(describe(cause), cause));
  const tasks = new Set<Task>();
  for (const [name, value] of Object.entries(exported)) {
    for (const item of collect(name, value, refuse)) tasks.add(item);
  }
  if (tasks.size === 0) {
    const names = Object.keys(exported).join(', ') || 'nothing';
    refuse(`it exports no task (it exports ${names}); export what defineTask returns`);
  }
  return [...tasks];
}

function collect(name: string, value: unknown, refuse: (why: string) => never): Task[] {
  const items: unknown[] = Array.isArray(value) ? value : [value];
  const tasks = items.filter(isTask);
  // A list or default export is there to name tasks: what isn't one would silently do nothing.
  const isMixed = tasks.length > 0 && tasks.length < items.length;
  if (isMixed || (name === 'default' && tasks.length === 0)) {
    refuse(`its export ${name} holds something that is no task; export what defineTask returns`);
  }
  return tasks;
}

async function importModule(path: string): Promise<Record<string, unknown>> {
  const jiti = createJiti(__filename, {
    // The process's own code, not a copy of it, and users need no install beside the module. Required
    // here, since at the top it would be a cycle.
    virtualModules: { 'infer-once': require('../index'), ...lendZod(path) },
    // Nothing is left on disk, and no stale copy is ever run.
    fsCache: false,
    interopDefault: false,
  });
  const loaded = (await jiti.import(path)) as Record<string, unknown>;
  return unwrapCommonJs(loaded);
}

/** Zod is lent to a module that has none of its own. */
function lendZod(path: string): Record<string, unknown> {
  try {
    createRequire(path).resolve('zod');
    return {};
  } catch {
    return { zod: require('zod') };
  }
}

/** Of a CommonJS module, what `module.exports` was set to may arrive whole, or as the default export. */
function unwrapCommonJs(loaded: Record<string, unknown>): Record<string, unknown> {
  if (isTask(loaded) || Array.isArray(loaded)) return { default: loaded };
  const only = loaded.default;
  if (typeof only !== 'object' || only === null || Array.isArray(only) || isTask(only)) return loaded;
  const { default: _, ...named } = loaded;
  return { ...named, ...only };
}

function describe(cause: unknown): string {
  // Not instanceof: the module's errors may come from another realm.
  const message = String((cause as Error | undefined)?.message ?? cause);
  const first = message.trim().split('\n')[0]?.slice(0, 300).replace(/\.$/, '');
  return `it does not load (${first || 'no reason was given'})`;
}
