import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { findFreePort } from '../../src/dev/temporal';
import { until } from '../support/until';
import { CliHarness, film, type Running, records, SOON_IN_DOUBT, startCli } from './support';

/** Each test runs a dozen programs, on whatever else the machine does. */
jest.setTimeout(180_000);

const harness = new CliHarness();
let gateway: Running;
let url: string;
let key: string;

/** A gateway in a process of its own, at the same port each time. */
async function startGateway(): Promise<void> {
  const env = {
    ...harness.stack.env,
    INFER_ONCE_GATEWAY_PORT: new URL(url).port,
    INFER_ONCE_GATEWAY_KEYS_FILE: keysFile(),
    INFER_ONCE_SHUTDOWN_GRACE: '2s',
  };
  gateway = startCli(['gateway'], { cwd: harness.folder, env });
  await gateway.line('stdout', 'ready');
}

const keysFile = () => join(harness.folder, 'keys.json');

beforeAll(async () => {
  await harness.start(SOON_IN_DOUBT);
  url = `http://127.0.0.1:${await findFreePort()}`;
  const env = { INFER_ONCE_GATEWAY_KEYS_FILE: keysFile() };
  key = records((await harness.cli(['keys', 'add', 'alpha'], { env })).stdout)[0]!.key as string;
  await startGateway();
});
afterAll(async () => {
  gateway.process.kill('SIGKILL');
  await gateway.ended;
  await harness.stop();
});
const doors: Server[] = [];
afterEach(() => {
  for (const door of doors.splice(0)) door.close();
  return harness.calm();
});

/** A folder without a stack, and addresses where nobody is: whatever answers is the gateway. */
const elsewhere = (env: NodeJS.ProcessEnv = {}) => ({
  cwd: '/',
  env: {
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    INFER_ONCE_GATEWAY_URL: url,
    INFER_ONCE_GATEWAY_KEY: key,
    ...env,
  },
});

const cli = (args: string[]) => startCli(args, elsewhere()).ended;
const billed = (id: string) => harness.offline.billed(`alpha/${id}`);

/** A way to the gateway that sees who begins to wait there, and breaks with it. */
async function openDoor() {
  let waits = 0;
  const server = createServer((inner) => {
    const outer = connect(Number(new URL(url).port), '127.0.0.1');
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.pipe(to);
    }
    inner.on('data', (bytes) => {
      if (/^GET \S+[?&]wait=/.test(bytes.toString('latin1'))) waits += 1;
    });
  });
  doors.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const env = { INFER_ONCE_GATEWAY_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  return {
    waits: () => waits,
    begin: (args: string[]) => startCli(args, elsewhere(env)),
  };
}

async function loseAnswer(id: string): Promise<void> {
  await harness.offline.rules({ do: { reset: 'after_billing' } });
  expect((await cli(['run', ...film(id, 'x')])).code).toBe(5);
  await harness.offline.rules();
}

describe('client commands over a gateway', () => {
  test('run, submit and status do as beside Temporal and the store, with one call for all', async () => {
    const first = await cli(['run', ...film('film-1', 'alien (1979)')]);
    expect(first).toEqual({
      code: 0,
      stdout: '{"normalized_title":"Alien (1979)","category":"Science Fiction"}\n',
      stderr: '',
    });
    const [whole] = records((await cli(['run', ...film('film-1', 'alien (1979)'), '--json'])).stdout);
    expect(whole).toMatchObject({ job_id: 'film-1', status: 'COMPLETED', replayed: true });
    const submitted = await cli(['submit', ...film('film-1', 'alien (1979)')]);
    expect(submitted.code).toBe(0);
    expect(records(submitted.stdout)).toMatchObject([{ created: false, replayed: true }]);
    const told = await cli(['status', 'film-1', '--wait']);
    expect([told.code, records(told.stdout)]).toMatchObject([0, [{ request_id: whole!.request_id }]]);
    expect(billed('film-1')).toBe(1);
    // the same job, as the store has it
    expect((await harness.cli(['stats'])).stdout).toContain('"task":"enrich"');
  });

  test('each end of a job has its exit code: 1, 2, 3, 4, 5 and 7', async () => {
    await harness.offline.rules(
      { match: { contains: 'REJECTED' }, do: { status: 400 } },
      { match: { contains: 'HELD' }, do: { hold: true } },
    );
    const rejected = await cli(['run', ...film('rejected', 'REJECTED')]);
    expect(rejected.code).toBe(1);
    expect(rejected.stderr).toContain('Job rejected failed (provider_rejected)');
    const late = await cli(['run', ...film('held', 'HELD'), '--timeout', '1s', '--json']);
    expect([late.code, records(late.stdout)]).toMatchObject([3, [{ job_id: 'held' }]]);
    expect(late.stderr).toContain('Job held was not done within 1s; it goes on');
    expect((await cli(['run', ...film('held', 'another')])).code).toBe(4);
    expect((await cli(['status', 'held'])).code).toBe(3);
    await harness.calm();
    expect((await cli(['status', 'held', '--wait'])).code).toBe(0);
    const unknown = await cli(['run', 'nope', '--id', 'x', '--input', '{}']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('Task "nope" is not known here; known are enrich');
    const nobody = await cli(['status', 'nobody']);
    expect(nobody).toMatchObject({ code: 2, stderr: 'infer-once: Job nobody is not known.\n' });
    await loseAnswer('lost');
    expect((await cli(['status', 'lost'])).code).toBe(5);
    expect((await cli(['forget', 'lost'])).code).toBe(2);
    expect((await cli(['forget', 'held'])).code).toBe(0);
    for (const args of [
      ['run', ...film('held', 'HELD')],
      ['status', 'held'],
      ['status', 'held', '--wait'],
      ['retry', 'held'],
    ]) {
      expect([args[0], (await cli(args)).code]).toEqual([args[0], 7]);
    }
  });

  test('retry does not take the old failure for its answer; cancel and list tell what stands', async () => {
    await harness.offline.rules({ match: { contains: 'CUT' }, do: { finish_reason: 'length' } });
    expect((await cli(['run', ...film('again', 'CUT')])).code).toBe(1);
    await harness.calm();
    const retried = await cli(['retry', 'again', '--wait', '--timeout', '30s']);
    expect(retried.code).toBe(0);
    expect(records(retried.stdout)).toMatchObject([{ status: 'COMPLETED', attempts: 2 }]);
    expect(billed('again')).toBe(2);

    await harness.offline.rules({ do: { hold: true } });
    expect((await cli(['submit', ...film('life', 'alien')])).code).toBe(0);
    await harness.offline.waitForHeld('alpha/life');
    const canceled = await cli(['cancel', 'life', '--timeout', '20s']);
    expect([canceled.code, records(canceled.stdout)]).toMatchObject([0, [{ status: 'CANCELED' }]]);
    const listed = await cli(['list', '--status', 'canceled', '--task', 'enrich']);
    expect(records(listed.stdout)).toMatchObject([{ job_id: 'life', billed: 'unknown' }]);
    const page = await cli(['list', '--limit', '1']);
    const cursor = /--cursor (\S+)/.exec(page.stderr)![1]!;
    const next = records((await cli(['list', '--cursor', cursor])).stdout).map(({ job_id }) => job_id);
    expect(next).not.toContain(records(page.stdout)[0]!.job_id);
  });

  test('resolve settles one doubt, or all of them after a dry run', async () => {
    await loseAnswer('one');
    const stale = await cli(['resolve', 'one', '--rerun', '--doubt', '1']);
    expect([stale.code, stale.stderr]).toEqual([
      2,
      expect.stringContaining('doubt 1 is not the present one'),
    ]);
    const decided = await cli(['resolve', 'one', '--rerun', '--by', 'ada']);
    expect(decided.code).toBe(0);
    expect(records(decided.stdout)).toMatchObject([{ decisions: [{ action: 'rerun', by: 'alpha:ada' }] }]);
    expect((await cli(['status', 'one', '--wait'])).code).toBe(0);
    await loseAnswer('all-1');
    await loseAnswer('all-2');
    const dry = await cli(['resolve', '--all', '--abandon']);
    expect(dry.stderr).toContain('nothing was done');
    expect((await cli(['status', 'all-1'])).code).toBe(5);
    const done = await cli(['resolve', '--all', '--abandon', '--yes']);
    expect([done.code, done.stderr]).toEqual([0, expect.stringContaining('abandon was decided for')]);
    expect((await cli(['status', 'all-2'])).code).toBe(1);
  });

  test('a batch of hundreds of lines costs one call a line, and nothing when it is run again', async () => {
    const lines = Array.from({ length: 300 }, (_, i) => ({
      job_id: `many-${i}`,
      input: { title: `t ${i}` },
    }));
    const file = harness.write('many.jsonl', lines);
    const out = join(harness.folder, 'many.out');
    const run = () => cli(['batch', 'enrich', join(harness.folder, file), '--out', out]);
    expect(await run()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('300 done (0 replayed)\n'),
    });
    const written = harness.read('many.out');
    expect(new Set(written.map(({ job_id }) => job_id)).size).toBe(300);
    expect(await run()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('300 done (300 replayed)\n'),
    });
    expect(lines.filter(({ job_id }) => billed(job_id) !== 1)).toEqual([]);
  });

  test("stats are of the key's own tenant", async () => {
    await cli(['run', 'prompt', '--id', 'counted', '--input', '{"prompt": "Hello"}']);
    const { code, stdout } = await cli(['stats']);
    expect(code).toBe(0);
    expect(records(stdout).filter(({ task }) => task === 'prompt')).toMatchObject([{ jobs: 1, attempts: 1 }]);
  });

  test('a gateway that is killed in mid-wait and comes back: the command gets its answer, for one call', async () => {
    await harness.offline.rules({ match: { contains: 'HELD' }, do: { hold: true } });
    const door = await openDoor();
    const waiting = [door.begin(['run', ...film('killed', 'HELD')])];
    await harness.offline.waitForHeld('alpha/killed');
    waiting.push(door.begin(['status', 'killed', '--wait']));
    const file = harness.write('killed.jsonl', [{ job_id: 'killed', input: { title: 'HELD' } }]);
    waiting.push(door.begin(['batch', 'enrich', join(harness.folder, file)]));
    await until('all three wait', () => door.waits() >= 3);
    gateway.process.kill('SIGKILL');
    await gateway.ended;
    await harness.offline.release();
    await startGateway();
    expect((await Promise.all(waiting.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(billed('killed')).toBe(1);
  });

  test('a gateway that is stopped in mid-wait is waited for, and one that stays away is told in a sentence', async () => {
    await harness.offline.rules({ match: { contains: 'HELD' }, do: { hold: true } });
    const door = await openDoor();
    const patient = door.begin(['run', ...film('stopped', 'HELD'), '--timeout', '5m']);
    const hasty = door.begin(['run', ...film('stopped', 'HELD'), '--timeout', '10s']);
    await harness.offline.waitForHeld('alpha/stopped');
    await until('both wait', () => door.waits() >= 2);
    gateway.process.kill('SIGTERM');
    await gateway.ended;
    const gaveUp = await hasty.ended;
    expect(gaveUp.code).toBe(6);
    expect(gaveUp.stderr).toMatch(/^infer-once: The gateway at \S+ does not answer \(\w+\)[^\n]+\n$/);
    await harness.offline.release();
    await startGateway();
    expect((await patient.ended).code).toBe(0);
    expect(billed('stopped')).toBe(1);
  });
});

describe('what is wrong is told in one sentence', () => {
  const told = (args: string[], env: NodeJS.ProcessEnv) => startCli(args, elsewhere(env)).ended;

  test.each([
    ['a wrong key', { INFER_ONCE_GATEWAY_KEY: 'io_wrong' }, 2, 'does not take this key'],
    ['no key', { INFER_ONCE_GATEWAY_KEY: '' }, 2, 'set INFER_ONCE_GATEWAY_KEY'],
    ['a key that is none', { INFER_ONCE_GATEWAY_KEY: 'two words' }, 2, 'has characters that no key has'],
    [
      'a gateway that is away',
      { INFER_ONCE_GATEWAY_URL: 'http://127.0.0.1:1' },
      6,
      'does not answer (ECONNREFUSED)',
    ],
    [
      'no URL',
      { INFER_ONCE_GATEWAY_URL: 'gateway:8080' },
      2,
      'INFER_ONCE_GATEWAY_URL is no http or https URL',
    ],
    ['a password in it', { INFER_ONCE_GATEWAY_URL: 'http://ada:hunter2@h' }, 2, 'holds a name or a password'],
  ])('%s', async (_, env, code, says) => {
    for (const args of [['run', ...film('x', 'x')], ['list']]) {
      const said = await told(args, env);
      expect(said).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(says) });
      expect(said.stderr).toMatch(/^infer-once: [^\n]+\n$/);
      expect(said.stderr).not.toMatch(/hunter2|io_wrong|two words/);
    }
  });

  test('another server than a gateway', async () => {
    const env = { INFER_ONCE_GATEWAY_URL: harness.offline.baseUrl };
    const said = await told(['list'], env);
    expect([said.code, said.stderr]).toEqual([
      2,
      expect.stringContaining('is no gateway of infer-once (HTTP 404)'),
    ]);
  });

  test('a command talks to a gateway or to a data directory', async () => {
    const said = await told(['list', '--data-dir', 'd'], {});
    expect([said.code, said.stderr]).toEqual([2, expect.stringContaining('exclude each other')]);
    for (const args of [
      ['doctor', '--repair'],
      ['forget', 'x', '--keep-provider-copies'],
    ]) {
      const refused = await told(args, {});
      expect([refused.code, refused.stderr]).toEqual([
        2,
        expect.stringContaining('unset INFER_ONCE_GATEWAY_URL'),
      ]);
    }
  });

  test('doctor looks at the gateway, and at the key', async () => {
    const well = await told(['doctor'], {});
    expect(well.code).toBe(0);
    expect(well.stdout).toMatch(/^ok {2}gateway: http:\/\/\S+ answers[^\n]+\nok {2}key: [^\n]+\n$/);
    const wrong = await told(['doctor'], { INFER_ONCE_GATEWAY_KEY: 'io_wrong' });
    expect([wrong.code, wrong.stdout]).toEqual([2, expect.stringContaining('!!  key: ')]);
    const away = await told(['doctor'], { INFER_ONCE_GATEWAY_URL: 'http://127.0.0.1:1' });
    expect([away.code, away.stdout]).toEqual([6, expect.stringContaining('!!  gateway: ')]);
  });
});
