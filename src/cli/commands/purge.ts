import type { Command } from 'commander';
import type { PurgeRule } from '../../client/purge';
import { loadConfig } from '../../config';
import { formatDuration } from '../../duration';
import { ConfigError } from '../../errors';
import type { TaskRegistry } from '../../tasks/registry';
import { type ClientOptions, withParts } from '../context';
import { addClientOptions, addEpilogue, ageOption, wholeNumberOption } from '../help';
import { isForPeople, printJson, printText } from '../output';
import { countOf } from '../record-text';

interface PurgeCliOptions extends ClientOptions {
  task?: string;
  olderThan?: number;
  dryRun?: boolean;
  batch: number;
}

/** `purge`: erases the records of settled jobs that were kept long enough. */
export function addPurge(program: Command): void {
  const command = program
    .command('purge')
    .summary('erase settled jobs that were kept long enough')
    .description(
      "Erases the records of settled jobs whose last change is longer ago than their task's keep; tasks without one are kept. A purged id is free: submitted again, it runs and costs again. Safe beside running workers, and to run again.",
    )
    .option('--task <name>', 'jobs of this task only')
    .option('--older-than <duration>', "this age in place of each task's keep, e.g. 90d", ageOption)
    .option('--dry-run', 'count, and erase nothing')
    .option('--batch <n>', 'jobs in one step', wholeNumberOption(1, 1000), 500)
    .action(purge);
  addEpilogue(
    addClientOptions(command),
    ['infer-once purge --dry-run', 'infer-once purge --task enrich --older-than 30d'],
    [0, 2, 6],
    [
      "Needs the store and, for tasks of your own, INFER_ONCE_TASKS. Temporal's history goes by the namespace's retention, what the provider stored by the provider's; forget erases both.",
    ],
  );
}

async function purge(options: PurgeCliOptions): Promise<void> {
  const { batch, dryRun } = options;
  if (loadConfig(process.env).gatewayUrl !== undefined) {
    throw new ConfigError(
      'purge is about the store itself; unset INFER_ONCE_GATEWAY_URL, and run it beside the store.',
    );
  }
  await withParts(options, async ({ config, store }) => {
    if (!store) {
      throw new ConfigError('purge needs the store that the workers use; set INFER_ONCE_STORE_URL.');
    }
    const [{ purgeJobs }, { loadTasks }] = await Promise.all([
      import('../../client/purge.js'),
      import('../../tasks/registry.js'),
    ]);
    const rules = rulesOf(options, await loadTasks(config.tasksModule));
    let total = 0;
    let left = 0;
    for (const rule of rules) {
      let jobs = 0;
      for await (const step of purgeJobs(store, [rule], { batch, dryRun })) {
        jobs += step.jobs;
        left += step.left;
      }
      total += jobs;
      if (isForPeople(options)) printText(describe(rule, jobs, dryRun));
      else printJson({ task: rule.task ?? null, older_than_ms: rule.keepMs, jobs, dry_run: dryRun ?? false });
    }
    if (!isForPeople(options)) return;
    if (left > 0) printText(`${countOf(left, 'job')} left: changed meanwhile, or not to be opened.`);
    if (rules.length > 1) printText(`${countOf(total, 'job')} ${dryRun ? 'would be erased' : 'erased'}.`);
  });
}

function rulesOf({ task, olderThan }: PurgeCliOptions, tasks: TaskRegistry): PurgeRule[] {
  if (olderThan !== undefined) return [{ task, keepMs: olderThan }];
  const names = task === undefined ? tasks.names() : [tasks.get(task).name];
  const rules = names.flatMap((name) => {
    const { keepMs } = tasks.get(name);
    return keepMs === undefined ? [] : [{ task: name, keepMs }];
  });
  if (rules.length > 0) return rules;
  const whose = task === undefined ? 'No task here has' : `Task ${task} has no`;
  throw new ConfigError(
    `${whose}${task === undefined ? ' a' : ''} keep, and what has none is kept for ever; say how old with --older-than.`,
  );
}

function describe({ task, keepMs }: PurgeRule, jobs: number, dryRun = false): string {
  const what = `${countOf(jobs, 'job')} of ${task ?? 'every task'}`;
  return `${what} ${dryRun ? 'would be erased' : 'erased'} (older than ${formatDuration(keepMs)})`;
}
