import type { Policy } from '../../src/once/policy';
import { Actors } from './actors';
import type { Sources } from './loader';
import type { Plan } from './plan';
import { SimProvider } from './provider';
import { SimStore } from './store';
import { Temporal } from './temporal';
import * as names from './temporal-names';
import { Watch } from './watch';
import { Worker } from './worker';
import type { World } from './world';

/** What takes part in one seed. */
export interface Scene {
  world: World;
  watch: Watch;
  temporal: Temporal;
  store: SimStore;
  provider: SimProvider;
  actors: Actors;
}

/** Puts everybody in place. */
export function setUp(world: World, plan: Plan, sources: Sources): Scene {
  const { policy } = plan;
  const watch = new Watch(world, policy);
  const workflows = shareWorkflows(sources, plan);
  const temporal = new Temporal(world, watch, (api) =>
    sources.bind({ ...workflows, '@temporalio/workflow': api })('workflows/inference-job.ts'),
  );
  const { UnreachableError } = sources.core<typeof import('../../src/errors')>('errors.ts');
  const store = new SimStore(world, plan.store, UnreachableError);
  store.commits.push((commit) => watch.committed(commit));
  const provider = new SimProvider(world, plan.provider, plan.recovery, policy.callTimeoutMs, watch);
  watch.store = store;
  watch.provider = provider;
  const { inputDigest } = sources.core<typeof import('../../src/digest')>('digest.ts');
  for (const key of plan.keys) {
    for (const name of ['A', 'B']) watch.ghost(key).inputNames.set(inputDigest(key, 'sim', { name }), name);
  }
  addWorkers({ world, watch, temporal, store, provider, sources, policy }, plan);
  const actors = new Actors({ world, sources, temporal, store, watch, frontend: plan.frontend });
  return { world, watch, temporal, store, provider, actors };
}

/** The parts of the workflow's code that know no run are loaded once. */
function shareWorkflows(sources: Sources, plan: Plan): Record<string, unknown> {
  const packages = { '@temporalio/common': names.common };
  const load = sources.bind(packages);
  const files = ['attributes', 'contract', 'details', 'validate'].map((name) => `workflows/${name}.ts`);
  const settings = {
    heartbeatTimeoutMs: plan.heartbeatTimeoutMs,
    startToCloseMs: plan.policy.callTimeoutMs + 120_000,
    tasks: {},
  };
  return {
    ...packages,
    ...Object.fromEntries(files.map((file) => [file, load(file)])),
    'workflows/settings.ts': { workflowSettings: () => settings },
  };
}

function addWorkers(outside: Omit<Scene, 'actors'> & { sources: Sources; policy: Policy }, plan: Plan): void {
  const { world, watch, temporal, policy } = outside;
  let seams = 0;
  let calls = 0;
  let sends = 0;
  const strict = new Map<string, boolean>();
  for (let i = 1; i <= plan.workers; i++) {
    const worker: Worker = new Worker(`W${i}`, {
      ...outside,
      heartbeatTimeoutMs: plan.heartbeatTimeoutMs,
      slowReports: plan.slowReports,
      newCallId: () => {
        calls += 1;
        return `call${calls}`;
      },
      refuses(proc, input) {
        if (!world.stormy || plan.strict === 0) return false;
        const name = `${proc} ${JSON.stringify(input)}`;
        if (!strict.has(name)) strict.set(name, world.rng.chance(plan.strict));
        return strict.get(name)!;
      },
      atSend(proc) {
        sends += 1;
        if (!plan.cutAtSends.has(sends)) return;
        watch.count('cut off');
        proc.noStoreUntil = world.now + world.rng.between(policy.leaseMs, 2 * policy.leaseMs);
        if (world.rng.chance(0.7)) worker.cutOffUntil = proc.noStoreUntil;
      },
      atSeam(proc) {
        if (!world.stormy) return;
        seams += 1;
        const what = plan.atSeams.get(seams);
        if (what === 'crash') {
          watch.count('crashes');
          worker.crash(world.rng.between(500, 20_000));
        } else if (what === 'freeze') {
          watch.count('freezes');
          const ms = world.rng.pick([2000, 30_000, 40_000, 100_000]);
          proc.freeze(world.rng.between(ms / 2, ms), world.rng.chance(0.3));
        }
      },
    });
    temporal.workers.push(worker);
  }
}
