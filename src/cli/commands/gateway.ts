import type { Command } from 'commander';
import { loadConfig } from '../../config';
import type { WorkerReady } from '../../dev/stack';
import { createLogger } from '../../log';
import { addEpilogue } from '../help';
import { takeInterrupts } from '../interrupt';
import { printText } from '../output';
import { parentIsGone } from '../parent';

/** `gateway`: serves HTTP until it is told to stop. */
export function addGateway(program: Command): void {
  const command = program
    .command('gateway')
    .summary('serve jobs over HTTP; one part, for production')
    .description(
      'Serves jobs over HTTP until SIGTERM or Ctrl-C; then it takes no new connection and answers those who wait with what is known, for INFER_ONCE_SHUTDOWN_GRACE at most. A second signal ends it at once. Log lines go to stderr.',
    )
    .action(serve);
  addEpilogue(
    command,
    ['INFER_ONCE_STORE_URL=sqlite:/var/lib/infer-once/store.db infer-once gateway'],
    [0, 2, 6],
    [
      'Needs INFER_ONCE_STORE_URL, the store of the workers, and OPENAI_API_KEY or OPENAI_BASE_URL. A page at / shows the jobs. Listens at INFER_ONCE_GATEWAY_HOST (127.0.0.1) and INFER_ONCE_GATEWAY_PORT (8080).',
    ],
  );
}

async function serve(): Promise<void> {
  const config = loadConfig(process.env);
  const log = createLogger(config.logLevel);
  const { signal } = takeInterrupts();
  const stop = AbortSignal.any([signal, parentIsGone(config.shutdownGraceMs)]);
  const { runGateway } = await import('../../gateway/run.js');
  if (stop.aborted) return;
  await runGateway(config, log, stop, ({ url, provider }) => {
    printText(`ready: gateway ${url}`);
    const told: WorkerReady = { ready: true, provider, url };
    process.send?.(told);
  });
}
