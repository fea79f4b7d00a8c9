import { getEventListeners } from 'node:events';
import { JobClient } from '../../src';
import { watchUntilClosed } from '../../src/client/watch-closed';
import { type CountingClient, connectCounting } from '../support/counts';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { addLane, enrichJob, handleOf, putOnHold, RESULT } from './support';

/** How many polls a wait of a job on hold would have made in half an hour, were they of 20 s as by default. */
const POLLS = 90;

describe('a wait that lasts for many of Temporal’s long polls', () => {
  let world: World;
  let counting: CountingClient;
  beforeAll(async () => {
    const dynamicConfig = {
      'history.longPollExpirationInterval': '20ms',
      'limit.historyCount.suggestContinueAsNew': 40,
    };
    world = await startWorld({ server: 'dev', dynamicConfig });
    await world.addWorker();
    counting = await connectCounting(world.address);
  });
  afterAll(async () => {
    await counting.close();
    await world.stop();
  });

  const asked = () => counting.calls.GetWorkflowExecutionHistory ?? 0;

  async function untilPolled(): Promise<void> {
    const before = asked();
    await until('it has polled again and again', () => asked() > before + POLLS);
  }

  test('is answered in the end, and keeps nothing of the polls that have ended', async () => {
    await world.model.rules({ match: { job_id: 'held' }, do: { hold: true } });
    const answer = new JobClient({ client: counting.client, store: world.store }).run(enrichJob('held'));
    answer.catch(() => undefined);
    await untilPolled();
    const left = new AbortController();
    const closed = watchUntilClosed(counting.client, 'held', left.signal);
    await untilPolled();
    expect(getEventListeners(left.signal, 'abort')).toHaveLength(1);
    await world.model.release('held');
    expect(await answer).toMatchObject({ status: 'COMPLETED', result: RESULT });
    await closed;
    expect(getEventListeners(left.signal, 'abort')).toHaveLength(0);
    expect(world.model.billed('held')).toBe(1);
  });

  test('that is left asks no more', async () => {
    await world.model.rules({ match: { job_id: 'left' }, do: { hold: true } });
    await world.jobs.submit(enrichJob('left'));
    const left = new AbortController();
    const closed = watchUntilClosed(counting.client, 'left', left.signal);
    await untilPolled();
    left.abort();
    await expect(closed).rejects.toThrow(/abort|cancel/i);
    const before = asked();
    await world.model.release('left');
    await handleOf(world, 'left').result();
    expect(asked()).toBe(before);
  });

  test('follows a run that is continued as new, and ends with that one', async () => {
    const lane = await addLane(world, 'none', { recovery: 'none' });
    const { token } = await putOnHold(world, lane, 'goes-on');
    const run = handleOf(world, 'goes-on');
    const { runId } = await run.describe();
    let isClosed = false;
    const closed = watchUntilClosed(counting.client, 'goes-on', new AbortController().signal).then(() => {
      isClosed = true;
    });
    await until('it is continued as new', async () => {
      await run.signal('settled');
      return (await run.describe()).runId !== runId;
    });
    await untilPolled();
    expect(isClosed).toBe(false);
    await lane.jobs.resolve('goes-on', { action: 'abandon', doubt: token, by: 'ann' });
    await closed;
    expect((await run.describe()).status.name).toBe('FAILED');
  });
});
