import type { Actors } from './actors';

export type Action = 'rerun' | 'adopt' | 'abandon';

/**
 * An operator looks at the job and, where it is in doubt, decides: late at times, or twice.
 *
 * @param thinkMs - from the look to the decision
 */
export async function operate(
  actors: Actors,
  key: string,
  actions: readonly Action[],
  thinkMs: number,
): Promise<void> {
  const { world, watch, store } = actors.outside;
  const { rng } = world;
  const status = store.row(key)?.status;
  if (status !== 'IN_DOUBT' && status !== 'FAILED' && status !== 'CANCELED') return;
  const { proc, jobs } = actors.open('operator');
  const record = await actors.act('looks', proc, `get ${key}`, () => jobs.get(key));
  if (record === null || record instanceof Error) return;
  const isGivenUp = record.status === 'FAILED' || record.status === 'CANCELED';
  const adoptsFailed = isGivenUp && rng.chance(0.3);
  if (record.status !== 'IN_DOUBT' && !adoptsFailed) return;
  const by = proc.name;
  const action = adoptsFailed ? 'adopt' : rng.pick(actions);
  const doubt = record.doubt?.token ?? record.token;
  const ghost = watch.ghost(key);
  ghost.decisions.set(by, ghost.seeDoubt(doubt));
  const result = { of: ghost.inputNames.get(record.input_digest), by };
  const decision = { action, doubt, by, ...(action === 'adopt' && { result }) };
  await proc.sleep(thinkMs);
  const sends = world.stormy && rng.chance(0.2) ? 2 : 1;
  for (let i = 0; i < sends; i++) {
    const what = `${action} ${key} doubt ${doubt}`;
    const answer = await actors.act('decides', proc, what, () => jobs.resolve(key, decision));
    if (!(answer instanceof Error)) watch.count(`decided ${action}`);
  }
}
