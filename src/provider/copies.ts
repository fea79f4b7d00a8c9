import type { TaskRegistry } from '../tasks/registry';
import type { Provider } from './provider';

/** What the provider stored of one job's calls. */
interface Copies {
  key: string;
  task: string;
  callIds: string[];
  operations: string[];
}

/**
 * Lets `JobClient.forget` delete what a provider stored, by each task's own recovery.
 *
 * @example
 * const jobs = new JobClient({ client, store, provider: providerCopies(provider, await loadTasks()) });
 */
export function providerCopies(
  provider: Provider,
  tasks: TaskRegistry,
): { forget(copies: Copies): Promise<void> } {
  return {
    forget({ key, task, callIds, operations }) {
      const known = tasks.names().includes(task) ? tasks.get(task) : undefined;
      return provider.forget(key, callIds, known, operations);
    },
  };
}
