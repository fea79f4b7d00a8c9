import { setMaxListeners } from 'node:events';
import { Client, Connection, isGrpcServiceError, ServiceError } from '@temporalio/client';
import { JobClient } from '../../src';
import { type CountingClient, connectCounting } from '../support/counts';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { enrichJob, RESULT } from './support';

/** How many long polls the server takes at once, the worker's among them; a cluster's default is 1,200. */
const LIMIT = 30;
const RESOURCE_EXHAUSTED = 8;

describe('a Temporal namespace that takes no more long polls', () => {
  let world: World;
  let counting: CountingClient;
  let crowd: Connection;
  beforeAll(async () => {
    world = await startWorld({ server: 'dev', dynamicConfig: { 'frontend.namespaceCount': LIMIT } });
    await world.addWorker({ heartbeatTimeoutMs: 60_000 });
    // neither tries again by itself
    counting = await connectCounting(world.address);
    crowd = await Connection.connect({ address: world.address, interceptors: [] });
  });
  afterAll(async () => {
    await crowd.close();
    await counting.close();
    await world.stop();
  });

  test('refuses nobody who waits: his job is looked at meanwhile, and answered', async () => {
    await world.model.rules({ match: { job_id: 'held' }, do: { hold: true } });
    await world.jobs.submit(enrichJob('held'));
    await world.model.waitForHeld('held');

    const enough = new AbortController();
    setMaxListeners(0, enough.signal);
    let refused = 0;
    const client = new Client({ connection: crowd });
    const poll = () =>
      client
        .withAbortSignal(enough.signal, () => client.workflow.getHandle('held').result())
        .catch((error) => {
          const cause = error instanceof ServiceError ? error.cause : error;
          if (isGrpcServiceError(cause) && cause.code === RESOURCE_EXHAUSTED) refused += 1;
        });
    const polls = Array.from({ length: 2 * LIMIT }, poll);
    await until('the namespace is full', () => refused > 0);

    const asked = () => counting.calls.GetWorkflowExecutionHistory ?? 0;
    const answer = new JobClient({ client: counting.client, store: world.store }).run(enrichJob('held'));
    answer.catch(() => undefined);
    await until('it was refused and has asked again', () => asked() > 1);
    enough.abort();
    await Promise.all(polls);
    await world.model.release('held');
    expect(await answer).toMatchObject({ status: 'COMPLETED', result: RESULT });
    expect(world.model.billed('held')).toBe(1);
  });
});
