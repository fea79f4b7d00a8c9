import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { JobClient } from '../../src/client';
import { openStore } from '../../src/store/open';
import type { Job } from '../contestants/contestant';
import type { Side } from '../measure/rounds';
import { startTemporal } from '../servers/temporal';
import { startBenchWorker } from '../support/bench-worker';
import type { Scope } from '../support/scope';
import type { OwnWorkerSettings, Tuning } from '../workers/infer-once-contract';
import type { World } from '../world';
import { AskedJobs } from './asked-jobs';
import type { Choice, Setting } from './choices';

/** infer-once with one value of a setting, ready for jobs. */
export interface TunedSide extends Side {
  choice: Choice;
  /** The options that its worker runs with, as the SDK took them. */
  options: Tuning;
  pid: number;
  /** Jobs so far that were answered. */
  answered(): number;
  /** Starts so far whose first workflow task came with the reply; null where nobody asks for that. */
  eagerStarts(): number | null;
}

/**
 * Starts a worker for each value of a setting, each with a task queue and a store of its own. They share a dev server,
 * but where it is the server that is set: there each has its own.
 *
 * @param scope - all of it ends with it
 */
export async function openSides(world: World, setting: Setting, scope: Scope): Promise<TunedSide[]> {
  const hasOwnServer = setting.choices.some(({ server }) => server !== undefined);
  const sides: TunedSide[] = [];
  for (const [n, choice] of setting.choices.entries()) {
    const name = `${setting.name}-${n}`;
    const temporal = hasOwnServer ? await startOwnServer(world, name, choice, scope) : await world.temporal();
    const env = world.ownEnv(name, temporal.address);
    const told: OwnWorkerSettings = {
      env,
      address: temporal.address,
      tuning: choice.worker ?? {},
      eagerStart: choice.together === 'started eagerly',
    };
    const { workers } = world;
    const settings = { modelUrl: world.model.baseUrl, ...told };
    const worker = await startBenchWorker({ workers, atEnd: scope.atEnd }, 'infer-once', settings);
    const asked = choice.together ? new AskedJobs(worker) : null;
    const run = asked ? (job: Job) => asked.run(job) : await runFromHere(temporal.client, env, scope);
    let answered = 0;
    const counted = async (job: Job) => {
      const text = await run(job);
      answered += 1;
      return text;
    };
    sides.push({
      name: String(n),
      choice,
      options: worker.told as Tuning,
      pid: worker.pid(),
      answered: () => answered,
      eagerStarts: () => asked?.eagerStarts ?? null,
      running: { run: counted, remembers: true, worker, servers: [temporal.pid], stop: () => worker.stop() },
    });
  }
  return sides;
}

function startOwnServer(world: World, name: string, { server }: Choice, scope: Scope) {
  const folder = join(world.folder, name);
  mkdirSync(folder);
  return startTemporal(folder, world.versions, scope.atEnd, server);
}

/** Jobs submitted by this process, as a service does that has its workers elsewhere. */
async function runFromHere(
  client: ConstructorParameters<typeof JobClient>[0]['client'],
  env: NodeJS.ProcessEnv,
  scope: Scope,
): Promise<(job: Job) => Promise<string>> {
  const store = await scope.open(openStore(env.INFER_ONCE_STORE_URL!), (open) => open.close());
  const jobs = new JobClient({ client, store, taskQueue: env.INFER_ONCE_TASK_QUEUE! });
  return async ({ id, prompt }) => {
    const { result } = await jobs.run({ job_id: id, task: 'prompt', input: { prompt } });
    return (result as { text: string }).text;
  };
}
