import type { Command } from 'commander';
import { type Config, loadConfig } from '../../config';
import { ConfigError } from '../../errors';
import { createLogger } from '../../log';
import { withParts } from '../context';
import { addEpilogue, wholeNumberOption } from '../help';
import { takeInterrupts } from '../interrupt';

interface ConsumeCliOptions {
  queue: string;
  concurrency: number;
}

/** `consume --queue URL`: a job for each message of a queue. */
export function addConsume(program: Command): void {
  const command = program
    .command('consume')
    .summary('submit a job for each message of a queue; one part, for production')
    .description(
      'Submits a job for each message of an SQS queue, {"job_id": …, "task": …, "input": …}, and deletes the message once the start is durable; it waits for no answer. Runs until SIGTERM or Ctrl-C; then it takes no more and finishes what is in hand. A second signal ends it at once. Log lines go to stderr.',
    )
    .requiredOption(
      '--queue <url>',
      "the queue's URL: an SQS queue, of AWS or of any endpoint that speaks SQS",
    )
    .option('--concurrency <n>', 'messages in hand at once', wholeNumberOption(1, 500), 10)
    .action(consume);
  addEpilogue(
    command,
    ['infer-once consume --queue https://sqs.eu-west-1.amazonaws.com/123456789012/jobs'],
    [0, 2, 6],
    [
      "Needs INFER_ONCE_STORE_URL, the workers' INFER_ONCE_TASKS, and AWS's own environment (AWS_REGION, AWS_PROFILE, …).\nA message that can't be a job is left to the queue's redrive policy, with a log line.",
    ],
  );
}

async function consume(options: ConsumeCliOptions): Promise<void> {
  const config = loadConfig(process.env);
  checkStoreIsShared(config);
  const [{ openQueue }, { consumeJobs }, { loadTasks }, { probeParts }, { JobClient }] = await Promise.all([
    import('../../queue/open.js'),
    import('../../queue/consume.js'),
    import('../../tasks/registry.js'),
    import('../../queue/probe.js'),
    import('../../client/index.js'),
  ]);
  const tasks = await loadTasks(config.tasksModule);
  const queue = await openQueue(options.queue);
  const { signal } = takeInterrupts();
  const log = createLogger(config.logLevel);
  try {
    await withParts(
      {},
      async ({ client, store, reachTemporal }) => {
        const { hasRedrivePolicy } = await queue.check();
        await reachTemporal();
        const { taskQueue } = config;
        const { concurrency } = options;
        const about = { queue: queue.name, task_queue: taskQueue, tasks: tasks.names(), concurrency };
        log.info(about, 'consumer started');
        if (!hasRedrivePolicy) log.warn({ queue: queue.name }, 'no redrive policy');
        // its own lines name the message too: the client's are not needed
        const jobs = new JobClient({ client, store, taskQueue });
        const answers = (jobId: string) => probeParts(client, jobs, jobId);
        const counts = await consumeJobs(queue, { jobs, tasks, concurrency, log, answers }, signal);
        log.info(counts, 'consumer stopped');
      },
      { creates: true },
    );
  } finally {
    queue.close();
  }
}

function checkStoreIsShared({ storeUrl }: Config): void {
  const example = 'e.g. sqlite:/var/lib/infer-once/store.db';
  if (!storeUrl)
    throw new ConfigError(`A consumer needs INFER_ONCE_STORE_URL, the workers' own, ${example}.`);
  if (storeUrl === 'memory:') {
    throw new ConfigError(
      `memory: is a store of one process, and workers could not see it; set INFER_ONCE_STORE_URL to theirs, ${example}.`,
    );
  }
}
