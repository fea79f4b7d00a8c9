import { ConfigError, UnknownTaskError } from '../errors';
import { chatCompletions, responses } from './endpoint';
import { enrich } from './enrich';
import { loadUserTasks } from './load-module';
import { prompt } from './prompt';
import type { Task } from './task';

/** The tasks that this process can run. */
export interface TaskRegistry {
  /** @throws UnknownTaskError that lists the known names */
  get(name: string): Task;
  /** Names, the built-in ones first. */
  names(): string[];
}

/** The tasks that come with the package. */
export const BUILT_IN_TASKS: readonly Task[] = [enrich, prompt, chatCompletions, responses];

/**
 * A registry of these tasks.
 *
 * @param origin - where they come from, for the message
 * @throws ConfigError where two have one name
 */
export function createRegistry(tasks: readonly Task[], origin = 'the list of tasks'): TaskRegistry {
  const byName = new Map<string, Task>();
  for (const task of tasks) {
    if (byName.has(task.name)) {
      throw new ConfigError(`Two tasks are named "${task.name}" in ${origin}; rename one.`);
    }
    byName.set(task.name, task);
  }
  return {
    get(name) {
      const task = byName.get(name);
      if (!task) throw new UnknownTaskError(name, [...byName.keys()]);
      return task;
    },
    names: () => [...byName.keys()],
  };
}

/**
 * The built-in tasks and those of the user's module.
 *
 * @param modulePath - the value of `INFER_ONCE_TASKS`: a JavaScript or TypeScript file, relative to the
 *   working directory; nothing or '' = the built-in tasks alone
 * @throws ConfigError, one sentence that names the path: no such file, it does not load, it exports no
 *   task, or one by a name that is taken
 *
 * @example
 * const registry = await loadTasks(process.env.INFER_ONCE_TASKS);
 * const task = registry.get('enrich');
 */
export async function loadTasks(modulePath?: string): Promise<TaskRegistry> {
  if (!modulePath) return createRegistry(BUILT_IN_TASKS);
  const own = await loadUserTasks(modulePath);
  return createRegistry([...BUILT_IN_TASKS, ...own], `the tasks module ${modulePath} and the built-in tasks`);
}
