import { operate } from './operator';
import type { Plan } from './plan';
import { createRng } from './rng';
import type { Scene } from './scene';

/** Lays out what will be asked and what will fail during the storm. */
export function stir(scene: Scene, plan: Plan): void {
  for (const key of plan.keys) stirJob(scene, plan, key);
  if (plan.isCalm) return;
  stirMachines(scene, plan);
}

function stirJob(scene: Scene, plan: Plan, key: string): void {
  const { world, temporal, actors, watch } = scene;
  const { rng } = world;
  const { odds } = plan;
  const sometime = (): number => (rng.chance(0.6) ? rng.between(0, 8000) : rng.between(0, plan.stormMs));
  const maybe = (p: number, act: () => void): void => {
    if (rng.chance(p)) world.after(sometime(), act);
  };
  const submit = (input: string, bare: boolean, crashAt: number) => (): void =>
    void actors.submitter(key, input, bare, crashAt);
  world.after(rng.between(0, 1000), submit('A', false, crashesAt(scene, plan)));
  for (let i = rng.between(0, 2); i > 0; i--) {
    const crashAt = !plan.isCalm && rng.chance(0.3) ? rng.between(1, 6) : 0;
    world.after(sometime(), submit('A', rng.chance(0.15), crashAt));
  }
  maybe(odds.otherInput, submit('B', rng.chance(0.4), 0));
  if (plan.isCalm) return;
  maybe(0.2, () => actors.bareStart(key, rng.pick(['A', 'B'])));
  for (const p of [1, 0.6, 0.4]) {
    maybe(p * odds.requests, () => void actors.retry(key));
    maybe(p * odds.requests, () => void actors.cancel(key));
  }
  maybe(odds.otherInput, () => onceFailed(scene, key, submit('B', false, 0)));
  // two people who do not know of each other
  maybe(odds.requests, () =>
    onceFailed(scene, key, () => {
      void actors.retry(key);
      world.after(rng.chance(0.7) ? rng.between(0, 60) : rng.between(0, 2000), () => void actors.cancel(key));
    }),
  );
  eraseInCall(scene, plan, key);
  maybe(odds.requests, () => void actors.forget(key, rng.chance(0.6)));
  maybe(0.1, () => void actors.repair());
  maybe(odds.interference, () => {
    watch.count('terminates');
    temporal.latest(key)?.terminate();
  });
  for (const p of [1, 0.5]) {
    maybe(p * odds.interference, () => {
      watch.count('resets');
      temporal.reset(key);
    });
  }
  if (rng.chance(odds.operators)) stirOperators(scene, plan, key);
}

/**
 * In some seeds the first submitter dies between the record and the start, and leaves an orphan to `repair`. Drawn
 * from a source of its own, so that all other seeds play as they would without.
 */
function crashesAt({ world }: Scene, { isCalm }: Plan): number {
  const rng = createRng(world.seed ^ 0x5eed);
  return !isCalm && rng.chance(0.06) ? rng.pick([1, 1, 2]) : 0;
}

/** Somebody cancels and erases a job while its call may be under way, unseen. */
function eraseInCall({ world, store, actors }: Scene, { odds }: Plan, key: string): void {
  const { rng } = world;
  let isAsked = false;
  store.commits.push(({ key: written, after }) => {
    if (isAsked || written !== key || after.status !== 'IN_PROGRESS' || !rng.chance(odds.zombies / 3)) return;
    isAsked = true;
    world.after(rng.between(3000, 25_000), () => void actors.forget(key, true));
  });
}

/** Acts when the job has failed or been canceled, if it does so during the storm. */
function onceFailed(scene: Scene, key: string, act: () => void): void {
  const { world, store, temporal } = scene;
  const row = store.row(key);
  const hasFailed = row?.status === 'FAILED' || row?.status === 'CANCELED';
  if (hasFailed && !temporal.latest(key)?.isOpen) act();
  else if (world.stormy) world.after(1000, () => onceFailed(scene, key, act));
}

function stirOperators({ actors, store }: Scene, plan: Plan, key: string): void {
  const { world } = actors;
  const { rng } = world;
  const actions = rng.pick([
    ['rerun'],
    ['rerun'],
    ['rerun', 'adopt', 'abandon'],
    ['abandon', 'adopt'],
  ] as const);
  // somebody who watches the failures, and knows the answer by another way
  store.commits.push(({ key: written, after }) => {
    if (written !== key || after.status !== 'FAILED' || !world.stormy || !rng.chance(0.5)) return;
    world.after(rng.between(0, 300), () => void operate(actors, key, ['adopt'], 0));
  });
  for (let at = rng.between(1000, 20_000); at < plan.stormMs; at += rng.between(3000, 25_000)) {
    world.after(at, () => void operate(actors, key, actions, rng.pick([0, 1000, 30_000])));
  }
}

function stirMachines({ world, temporal, store, provider, watch }: Scene, plan: Plan): void {
  const { rng } = world;
  const { odds } = plan;
  const maybe = (p: number, what: string, act: () => void): void => {
    if (!rng.chance(p)) return;
    world.after(rng.chance(0.6) ? rng.between(0, 8000) : rng.between(0, plan.stormMs), () => {
      watch.count(what);
      world.log('fault', () => what);
      act();
    });
  };
  for (const worker of temporal.workers) {
    maybe(odds.machines, 'crashes', () => worker.crash(rng.between(500, 30_000)));
    maybe(odds.machines, 'freezes', () => worker.proc.freeze(rng.between(10_000, 60_000), rng.chance(0.3)));
    maybe(odds.zombies, 'cut off', () => {
      const ms = rng.between(10_000, 60_000);
      worker.cutOffUntil = world.now + ms;
      // its lease is lost too, and its call goes on
      if (rng.chance(0.7)) worker.proc.noStoreUntil = world.now + ms;
    });
    maybe(0.08, 'shutdowns', () => worker.shutDown(rng.between(500, 20_000), rng.between(500, 10_000)));
  }
  maybe(0.1, 'store away', () => {
    store.awayUntil = world.now + rng.between(1000, 60_000);
  });
  maybe(0.1, 'provider away', () => {
    provider.awayUntil = world.now + rng.between(1000, 60_000);
  });
  maybe(0.08, 'temporal away', () => {
    temporal.awayUntil = world.now + rng.between(1000, 20_000);
  });
  for (const p of [0.1, 0.1]) {
    maybe(p, 'clock jumps', () => {
      store.jumpedMs += rng.pick([-60_000, -5000, 5000, 20_000, 3_600_000]);
    });
  }
}
