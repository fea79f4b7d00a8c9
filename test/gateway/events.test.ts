import Fastify from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { StoreCorruptError, UnreachableError } from '../../src/errors';
import type { GatewayDeps } from '../../src/gateway/deps';
import { eventRoutes } from '../../src/gateway/events';
import { addClosing } from '../../src/gateway/http/leave';
import { addWaiting } from '../../src/gateway/http/waiting';
import { clientsByTenant } from '../../src/gateway/run';
import { setRecovering } from '../../src/once/rules/decide';
import { failWith, moveTo } from '../../src/once/rules/row';
import type { ResultStore, StoredJob } from '../../src/store/store';
import { addLane, type Lane, putOnHold } from '../promises/support';
import { storedJob } from '../support/stored-job';
import { until } from '../support/until';
import { quietLog, startWorld, type World } from '../support/world';
import { type OpenStream, openEvents, statuses } from './events-support';
import { film, keysOf, startGateway, type TestGateway } from './support';

describe('the life of a job as server-sent events', () => {
  let world: World;
  let lane: Lane;
  let gateway: TestGateway;
  let jobs: GatewayDeps['jobs'];

  beforeAll(async () => {
    // a real server: in skipped time a job on hold that is watched would live through years
    world = await startWorld({ server: 'dev' });
    await world.addWorker();
    lane = await addLane(world, 'none', { recovery: 'none' });
    jobs = clientsByTenant({ client: world.client, store: world.store });
    gateway = await startGateway(world, { jobs });
  });

  afterAll(async () => {
    await gateway.stop();
    await world.stop();
  });

  afterEach(async () => {
    await world.model.rules();
    await world.model.release();
    await until('no watch is left behind', () => jobs(null).watchedJobs === 0);
  });

  const path = (id: string) => `/v1/jobs/${id}/events`;
  const open = (id: string, lastEventId?: string, url = gateway.url) =>
    openEvents(url + path(id), lastEventId === undefined ? {} : { 'last-event-id': lastEventId });

  /** Waits until the stream has told so much. */
  const told = (stream: OpenStream, count: number) =>
    until(`${count} events`, () => stream.events.length >= count && stream.events.at(count - 1)!);

  const hold = (job_id: string) => world.model.rules({ match: { job_id }, do: { hold: true } });

  /** Writes a row as a worker would. */
  const change = (key: string, to: (row: StoredJob, now: number) => StoredJob) =>
    world.store.update(key, (row, now) => ({ returns: undefined, job: to(row ?? storedJob(key), now) }));

  /** A job whose call is held at the model, seen IN_PROGRESS. */
  async function startHeld(id: string): Promise<void> {
    await hold(id);
    await gateway.send('PUT', `/v1/jobs/${id}`, { body: film('alien (1979)') });
    await world.model.waitForHeld(id);
  }

  test('the state as it is comes at once, then each change, and an end after the last', async () => {
    await startHeld('lives');
    const stream = await open('lives');
    expect(stream.status).toBe(200);
    expect(Object.fromEntries(stream.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const first = await told(stream, 1);
    expect(first).toMatchObject({ event: 'in_progress', data: { job_id: 'lives', status: 'IN_PROGRESS' } });
    await world.model.release();
    await stream.ended;
    expect(statuses(stream)).toEqual(['IN_PROGRESS', 'COMPLETED']);
    const [, completed, end] = stream.events;
    const { body: record } = await gateway.send('GET', '/v1/jobs/lives');
    // the same shape as everywhere
    expect(completed).toMatchObject({ event: 'completed', data: record });
    expect(completed!.id).not.toBe(first.id);
    expect(end).toEqual({
      id: completed!.id,
      event: 'end',
      data: { job_id: 'lives', status: 'COMPLETED' },
    });
    expect(stream.retries).toEqual(['2000']);
  });

  test('a client that comes back with Last-Event-ID misses nothing and is told nothing twice', async () => {
    await startHeld('resumed');
    const before = await open('resumed');
    const { id } = await told(before, 1);
    before.leave();
    const after = await open('resumed', id);
    // its watch has had its first look once another's, begun later, has
    const other = await open('resumed');
    await told(other, 1);
    expect(after.events).toEqual([]);
    await world.model.release();
    await after.ended;
    expect(after.events.map(({ event }) => event)).toEqual(['completed', 'end']);
    other.leave();

    await startHeld('resumed-late');
    const gone = await open('resumed-late');
    const { id: seen } = await told(gone, 1);
    gone.leave();
    await world.model.release();
    await world.jobs.wait('resumed-late');
    const back = await open('resumed-late', seen);
    await back.ended;
    expect(back.events.map(({ event }) => event)).toEqual(['completed', 'end']);
  });

  test('who has seen the end and comes back gets 204, which ends an EventSource', async () => {
    await gateway.send('PUT', '/v1/jobs/over?wait=30', { body: film('alien (1979)') });
    const stream = await open('over');
    await stream.ended;
    const back = await open('over', stream.events.at(-1)!.id);
    expect(back.status).toBe(204);
    // and who comes with another id is told what it lacks
    const other = await open('over', '1-0000000000000000');
    await other.ended;
    expect(other.events.map(({ event }) => event)).toEqual(['completed', 'end']);
  });

  test('changes under one token have ids of their own, and a renewal of the lease is no change', async () => {
    await change('one-token', (row, now) =>
      moveTo(row, 'IN_DOUBT', now, { doubt: { token: 2, since: now, reason: 'reset', recovering: true } }),
    );
    const stream = await open('one-token');
    const first = await told(stream, 1);
    await change('one-token', (row, now) => ({ ...row, lease_until: now, updated_at: now + 60_000 }));
    // a look that begins after the write; all who watch share it
    const other = await open('one-token');
    await told(other, 1);
    await world.store.update('one-token', setRecovering(2, false));
    const second = await told(stream, 2);
    expect([first, second].map(({ data }) => [data.token, data.doubt.recovering])).toEqual([
      [2, true],
      [2, false],
    ]);
    expect(second.id).not.toBe(first.id);
    await change('one-token', (row, now) => failWith(row, 'abandoned', 'by ann', now));
    await stream.ended;
    await other.ended;
    expect(stream.events.map(({ event }) => event)).toEqual(['in_doubt', 'in_doubt', 'failed', 'end']);
  });

  test('a job on hold that an operator settles shows it live, and costs the one call more', async () => {
    await putOnHold(world, lane, 'settled-live');
    const stream = await open('settled-live');
    const { data } = await told(stream, 1);
    expect(data).toMatchObject({ status: 'IN_DOUBT', doubt: { recovering: false } });
    const decision = { action: 'rerun', doubt: data.doubt.token, by: 'ann' };
    await gateway.send('POST', '/v1/jobs/settled-live/resolve', { body: decision });
    await stream.ended;
    expect(stream.events.slice(-2).map(({ event }) => event)).toEqual(['completed', 'end']);
    expect(stream.events.at(-2)!.data.decisions).toMatchObject([{ action: 'rerun', by: 'ann' }]);
    expect(world.model.billed('settled-live')).toBe(2);
  });

  test('all who watch a job share one watch, and the last one that leaves frees it', async () => {
    await startHeld('shared');
    const streams = await Promise.all(Array.from({ length: 10 }, () => open('shared')));
    await Promise.all(streams.map((stream) => told(stream, 1)));
    expect(jobs(null).watchedJobs).toBe(1);
    const [last, ...others] = streams;
    for (const stream of others) stream.leave();
    await world.model.release();
    // those who left took nothing from the one that stays
    await last!.ended;
    expect(last!.events.at(-1)).toMatchObject({ event: 'end' });

    await startHeld('all-leave');
    const leaving = await Promise.all([open('all-leave'), open('all-leave')]);
    expect(jobs(null).watchedJobs).toBe(1);
    for (const stream of leaving) stream.leave();
    await until('it is freed', () => jobs(null).watchedJobs === 0);
  });

  test('who leaves before a word of the stream was read frees it too', async () => {
    await startHeld('unread');
    for (let tries = 0; tries < 20; tries += 1) {
      const left = new AbortController();
      const sent = fetch(gateway.url + path('unread'), { signal: left.signal }).catch(() => undefined);
      await until('the request is there', () => jobs(null).watchedJobs === 1);
      left.abort();
      await sent;
      await until('it is freed', () => jobs(null).watchedJobs === 0);
    }
  });

  test('what nobody submitted is 404, a forgotten job 410, and neither leaves a watch', async () => {
    expect((await open('nobody')).status).toBe(404);
    await gateway.send('PUT', '/v1/jobs/erased?wait=30', { body: film('alien (1979)') });
    await gateway.send('DELETE', '/v1/jobs/erased');
    expect((await open('erased')).status).toBe(410);
    expect((await open('no%20id')).status).toBe(400);
  });

  test("another tenant's job is 404, and without a key nothing is told", async () => {
    const { keys, headers } = keysOf('alpha', 'beta');
    const keyed = await startGateway(world, { keys });
    const body = film('alien (1979)');
    await keyed.send('PUT', '/v1/jobs/of-alpha?wait=30', { body, headers: headers.alpha });
    const ask = (own: Record<string, string> = {}) => openEvents(keyed.url + path('of-alpha'), own);
    const own = await ask(headers.alpha);
    await own.ended;
    expect(statuses(own)).toEqual(['COMPLETED']);
    expect((await ask(headers.beta)).status).toBe(404);
    expect((await ask()).status).toBe(401);
    expect((await open('of-alpha')).status).toBe(404);
    await keyed.stop();
  });

  test('a stream that has nothing to tell says that it lives', async () => {
    await change('silent', (row) => row);
    const app = Fastify({ forceCloseConnections: 'idle' });
    app.setValidatorCompiler(validatorCompiler);
    app.setSerializerCompiler(() => JSON.stringify);
    app.decorateRequest('tenant', null);
    addClosing(app);
    addWaiting(app, 10);
    const deps = { jobs, log: quietLog } as unknown as GatewayDeps;
    app.register(eventRoutes, { deps, keepAliveMs: 1 });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const stream = await open('silent', undefined, url);
    await until('it says so again and again', () => stream.comments.length > 3);
    expect(statuses(stream)).toEqual(['PENDING']);
    await app.close();
  });

  test('a gateway that stops ends its streams without an end, so that their clients come back', async () => {
    const stopping = await startGateway(world, { jobs });
    await change('goes-on', (row) => row);
    const stream = await open('goes-on', undefined, stopping.url);
    await told(stream, 1);
    await stopping.stop();
    await stream.ended;
    expect(stream.events.map(({ event }) => event)).toEqual(['pending']);
  });

  describe('where the store fails', () => {
    let fault: Error | null = null;
    let own: GatewayDeps['jobs'];
    let failing: TestGateway;

    beforeAll(async () => {
      const { client, store } = world;
      const read: ResultStore['read'] = async (key) => {
        if (fault) throw fault;
        return store.read(key);
      };
      const faulty = Object.assign(Object.create(store) as ResultStore, { read });
      own = clientsByTenant({ client, store: faulty });
      failing = await startGateway(world, { jobs: own });
    });

    afterEach(async () => {
      fault = null;
      await until('no watch is left behind', () => own(null).watchedJobs === 0);
    });

    afterAll(() => failing.stop());

    test('a store that is away at first is 503; one that goes later is asked again', async () => {
      const away = new UnreachableError('store', 'The store is away; try again.');
      fault = away;
      const refused = await openEvents(failing.url + path('away'));
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
      fault = null;
      await change('away', (row) => row);
      const stream = await open('away', undefined, failing.url);
      await told(stream, 1);
      fault = away;
      await change('away', (row, now) => failWith(row, 'abandoned', 'by ann', now));
      // one that comes now makes the watch look, and fail
      await open('away', undefined, failing.url);
      expect(stream.events).toHaveLength(1);
      fault = null;
      await stream.ended;
      expect(stream.events.map(({ event }) => event)).toEqual(['pending', 'failed', 'end']);
    });

    test('a record that can no longer be trusted ends the stream, which says so', async () => {
      await change('broken', (row) => row);
      const stream = await open('broken', undefined, failing.url);
      await told(stream, 1);
      fault = new StoreCorruptError('broken', 'its row is damaged');
      await stream.ended;
      expect(stream.events.map(({ event, data }) => [event, data.code])).toEqual([
        ['pending', undefined],
        ['problem', 'store_corrupt'],
      ]);
      expect((await open('broken', undefined, failing.url)).status).toBe(500);
    });
  });
});
