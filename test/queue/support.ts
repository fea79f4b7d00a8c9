import { type Running, startCli } from '../cli/support';
import type { CrashWorld, Lane } from '../support/crash-world';
import { AWS_ENV } from '../support/moto-server';

/** A consumer process, with what it has logged. */
export interface ConsumerProcess extends Running {
  /** Its log lines so far. */
  log(): Record<string, unknown>[];
  /** Its log lines of this event. */
  logged(event: string): Record<string, unknown>[];
  kill(): Promise<void>;
  /** SIGTERM; resolves with its counts, the last thing that it says. */
  stop(): Promise<Record<string, unknown>>;
}

const started: ConsumerProcess[] = [];

/** Kills what a test that failed has left running. */
export async function killConsumers(): Promise<void> {
  await Promise.all(started.splice(0).map((consumer) => consumer.kill()));
}

/** Starts the built `infer-once consume` on a lane. */
export function startConsumer(
  world: CrashWorld,
  lane: Lane,
  queueUrl: string,
  { args = [], env = {} }: { args?: string[]; env?: NodeJS.ProcessEnv } = {},
): ConsumerProcess {
  let said = '';
  const running = startCli(['consume', '--queue', queueUrl, ...args], {
    cwd: world.folder,
    env: {
      TEMPORAL_ADDRESS: world.address,
      INFER_ONCE_STORE_URL: `sqlite:${lane.storeFile}`,
      INFER_ONCE_TASK_QUEUE: lane.taskQueue,
      ...AWS_ENV,
      ...env,
    },
  });
  running.process.stderr!.on('data', (text: string) => {
    said += text;
  });
  const log = () =>
    said
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const logged = (event: string) => log().filter(({ msg }) => msg === event);
  const consumer: ConsumerProcess = {
    ...running,
    log,
    logged,
    async kill() {
      running.process.kill('SIGKILL');
      await running.ended;
    },
    async stop() {
      running.process.kill('SIGTERM');
      const { code, stdout, stderr } = await running.ended;
      if (code !== 0 || stdout !== '') throw new Error(`ended by ${code}: ${stdout}${stderr}`);
      return logged('consumer stopped')[0]!;
    },
  };
  started.push(consumer);
  return consumer;
}

/** A message for a job. */
export function message(job_id: string, input: unknown = { title: `${job_id} (1979)` }): object {
  return { job_id, task: 'enrich', input };
}
