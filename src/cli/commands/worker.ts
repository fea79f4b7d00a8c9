import type { Command } from 'commander';
import { loadConfig } from '../../config';
import type { WorkerReady } from '../../dev/stack';
import { createLogger } from '../../log';
import { addEpilogue } from '../help';
import { takeInterrupts } from '../interrupt';
import { parentIsGone } from '../parent';

/** `worker`: runs jobs until it is told to stop. */
export function addWorker(program: Command): void {
  const command = program
    .command('worker')
    .summary('run jobs; one part, for production')
    .description(
      'Runs jobs until SIGTERM or Ctrl-C; then it takes no new ones and lets calls in flight end, for INFER_ONCE_SHUTDOWN_GRACE at most. A second signal ends it at once. Log lines go to stderr.',
    )
    .action(work);
  addEpilogue(
    command,
    ['INFER_ONCE_STORE_URL=sqlite:/var/lib/infer-once/store.db infer-once worker'],
    [0, 2, 6],
    ['Needs INFER_ONCE_STORE_URL, and OPENAI_API_KEY or OPENAI_BASE_URL.'],
  );
}

async function work(): Promise<void> {
  const config = loadConfig(process.env);
  const log = createLogger(config.logLevel);
  const { signal } = takeInterrupts();
  const stop = AbortSignal.any([signal, parentIsGone(config.shutdownGraceMs)]);
  const { runWorker } = await import('../../worker/run.js');
  if (stop.aborted) return;
  await runWorker(config, log, stop, ({ provider }) => {
    const told: WorkerReady = { ready: true, provider };
    process.send?.(told);
  });
}
