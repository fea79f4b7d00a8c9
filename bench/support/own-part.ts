import { type Part, startWorkerProcess } from '../../src/dev/stack/worker-process';
import { UserError } from '../../src/errors';
import type { ContestantWorker } from '../contestants/contestant';
import type { AtEnd } from '../world';

/** A part of infer-once as it runs in production: the built command, in a process of its own. */
export async function startOwnPart(
  part: Part,
  env: NodeJS.ProcessEnv,
  atEnd: AtEnd,
): Promise<ContestantWorker & { url(): string; stop(): Promise<void> }> {
  let running = await startPart(part, env);
  const end = async (signal: NodeJS.Signals) => {
    running.process.kill(signal);
    await running.process.ended;
  };
  atEnd(() => end('SIGKILL'));
  return {
    pid: () => running.process.pid,
    url: () => running.url,
    kill: () => end('SIGKILL'),
    async start() {
      running = await startPart(part, env);
    },
    stop: () => end('SIGTERM'),
  };
}

async function startPart(part: Part, env: NodeJS.ProcessEnv) {
  const process = startWorkerProcess(part, env, () => undefined);
  const ready = await process.ready;
  if (ready) return { process, url: ready.url ?? '' };
  const { sentence } = await process.ended;
  throw new UserError(`The ${part} of infer-once did not start: ${sentence ?? 'it said nothing'}`, {
    code: 'bench_worker',
  });
}
