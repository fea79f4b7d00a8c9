import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  ConfigError,
  GatewayClient,
  InputMismatchError,
  InvalidInputError,
  InvalidJobIdError,
  JobClient,
  JobFailedError,
  JobForgottenError,
  JobInDoubtError,
  JobNotFoundError,
  type Jobs,
  JobTimeoutError,
  TooLargeError,
  UnknownTaskError,
  UnreachableError,
  WrongStateError,
} from '../../src';
import { makeKey } from '../../src/gateway/keys/key';
import { clientsByTenant } from '../../src/gateway/run';
import { errorOf, losingAnswers, untilRun } from '../promises/support';
import { startWorld, type World } from '../support/world';
import { film, startGateway, type TestGateway } from './support';

const job = (job_id: string, title = 'alien (1979)') => ({ job_id, ...film(title) });

describe('a GatewayClient is to its callers what a JobClient is', () => {
  let world: World;
  let gateway: TestGateway;
  let idle: TestGateway;
  const clients: GatewayClient[] = [];

  const clientAt = (url: string, key?: string) => {
    const client = new GatewayClient({ url, key });
    clients.push(client);
    return client;
  };

  beforeAll(async () => {
    world = await startWorld({ server: 'dev', recovery: 'none' });
    await world.addWorker();
    gateway = await startGateway(world);
    const { client, store } = world;
    // no worker is there
    idle = await startGateway(world, { jobs: clientsByTenant({ client, store, taskQueue: 'nobody' }) });
  });
  afterAll(async () => {
    for (const client of clients) await client.close();
    await gateway.stop();
    await idle.stop();
    await world.stop();
  });
  afterEach(() => world.model.rules());

  test('the same answers: of a run, a replay, a wait, a look and a list', async () => {
    const over = clientAt(gateway.url);
    const first = await over.run(job('same'));
    expect(first).toMatchObject({ status: 'COMPLETED', created: true, replayed: false });
    expect(await over.run(job('same'))).toEqual(await world.jobs.run(job('same')));
    expect(await over.submit(job('same'))).toEqual(await world.jobs.submit(job('same')));
    expect(await over.wait('same')).toEqual(await world.jobs.wait('same'));
    expect(await over.get('same')).toEqual(await world.jobs.get('same'));
    expect(await over.get('nobody')).toBeNull();
    expect(await over.list({ task: 'enrich', limit: 1 })).toEqual(
      await world.jobs.list({ task: 'enrich', limit: 1 }),
    );
    expect(await over.stats()).toEqual(await world.jobs.stats());
    expect(world.model.billed('same')).toBe(1);
  });

  test('the same errors, with the same sentence, code and record', async () => {
    await world.model.rules(losingAnswers('lost'), {
      match: { job_id: 'cut' },
      do: { finish_reason: 'length' },
    });
    await world.jobs.run(job('done'));
    await untilRun(world, 'done', 'COMPLETED');
    await world.jobs.run(job('gone'));
    await world.jobs.forget('gone');
    const acts: [(jobs: Jobs) => Promise<unknown>, abstract new (...args: never[]) => Error][] = [
      [(jobs) => jobs.run(job('cut')), JobFailedError],
      [(jobs) => jobs.run(job('lost')), JobInDoubtError],
      [(jobs) => jobs.wait('lost'), JobInDoubtError],
      [(jobs) => jobs.retry('lost'), WrongStateError],
      [(jobs) => jobs.forget('lost'), WrongStateError],
      [(jobs) => jobs.resolve('done', { action: 'rerun', doubt: 1, by: 'ada' }), WrongStateError],
      [(jobs) => jobs.run(job('done', 'another')), InputMismatchError],
      [(jobs) => jobs.run(job('gone')), JobForgottenError],
      [(jobs) => jobs.wait('gone'), JobForgottenError],
      [(jobs) => jobs.retry('gone'), JobForgottenError],
      [(jobs) => jobs.retry('nobody'), JobNotFoundError],
      [(jobs) => jobs.cancel('nobody'), JobNotFoundError],
      [(jobs) => jobs.forget('nobody'), JobNotFoundError],
      [(jobs) => jobs.submit(job('../x')), InvalidJobIdError],
      [(jobs) => jobs.submit({ ...job('big'), input: 2 ** 53 }), InvalidInputError],
      [(jobs) => jobs.submit(job('big', 'x'.repeat(21 * 1024 * 1024))), TooLargeError],
    ];
    const over = clientAt(gateway.url);
    for (const [act, type] of acts) {
      const [direct, remote] = [await errorOf(act(world.jobs), type), await errorOf(act(over), type)];
      const told = ({ message, ...rest }: Error) => {
        const { code, jobId, record } = rest as { code?: string; jobId?: string; record?: { token: number } };
        return { message, code, jobId, token: record?.token };
      };
      // a mismatch shows nothing of the other input's record
      const expected = type === InputMismatchError ? { ...told(direct), token: undefined } : told(direct);
      expect([String(act), told(remote)]).toEqual([String(act), expected]);
    }
    expect(await over.get('gone')).toMatchObject({ status: 'FORGOTTEN' });
    const unknown = await errorOf(over.submit({ ...job('x'), task: 'nope' }), UnknownTaskError);
    expect(unknown.message).toContain('Task "nope" is not known here');
    expect(world.model.billed('lost')).toBe(1);
  });

  test('the old end of a job that is opened again is no answer', async () => {
    await world.model.rules({ match: { job_id: 'again' }, do: { status: 400 } });
    const over = clientAt(idle.url);
    await errorOf(world.jobs.run(job('again')), JobFailedError);
    await untilRun(world, 'again', 'FAILED');
    await errorOf(over.run(job('again'), { timeoutMs: 1_500 }), JobTimeoutError);
    await errorOf(over.retry('again', { timeoutMs: 1_500 }), JobTimeoutError);
    const { token } = (await over.get('again'))!;
    await errorOf(over.wait('again', { after: token, timeoutMs: 1_500 }), JobTimeoutError);
    expect((await errorOf(over.wait('again'), JobFailedError)).record).toMatchObject({ token });
  });

  test("a key's limit is waited for", async () => {
    const { key, entry } = makeKey('slow', new Date(), { rps: 2, burst: 1 });
    const limited = await startGateway(world, { keys: { find: (text) => (text === key ? entry : null) } });
    try {
      const over = clientAt(limited.url, key);
      const answers = await Promise.all([1, 2, 3, 4].map((n) => over.run(job(`limited-${n}`))));
      expect(answers.map(({ status }) => status)).toEqual(Array(4).fill('COMPLETED'));
      await errorOf(clientAt(limited.url, 'io_other').list(), ConfigError);
    } finally {
      await limited.stop();
    }
  });

  test('an act that might be done twice is sent once; what was never there is told at once', async () => {
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      if (request.url === '/v1/jobs/moved') {
        response.writeHead(307, { location: `${gateway.url}/v1/jobs/moved` }).end();
      } else if (request.url === '/v1/jobs/there') response.writeHead(404).end();
      else response.destroy();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const over = clientAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'io_secret');
      const never = await errorOf(over.run(job('x')), UnreachableError);
      expect(never.message).toContain('check that it runs');
      // what answers is there, and is no gateway
      await errorOf(over.get('there'), ConfigError);
      const acts = [
        () => over.retry('x'),
        () => over.resolve('x', { action: 'abandon', doubt: 1 }),
        () => over.cancel('x'),
        () => over.forget('x'),
      ];
      for (const act of acts) {
        const { message } = await errorOf(act(), UnreachableError);
        expect(message).toContain('look at the job before you try again');
      }
      // a redirect is not followed: the key goes to one address
      expect((await errorOf(over.submit(job('moved')), ConfigError)).message).not.toContain('io_secret');
      expect(await world.jobs.get('moved')).toBeNull();
      expect(paths).toEqual([
        'PUT /v1/jobs/x',
        'GET /v1/jobs/there',
        'POST /v1/jobs/x/retry',
        'POST /v1/jobs/x/resolve',
        'POST /v1/jobs/x/cancel',
        'DELETE /v1/jobs/x',
        'PUT /v1/jobs/moved',
      ]);
    } finally {
      server.close();
    }
  });

  test('a JobClient and a GatewayClient are one type to who takes jobs', () => {
    const both: Jobs[] = [world.jobs, clientAt(gateway.url)];
    expect(both[0]).toBeInstanceOf(JobClient);
  });
});
