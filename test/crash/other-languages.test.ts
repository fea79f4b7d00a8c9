import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { resolveTemporalBinary } from '../../src/dev/temporal';
import type { JobRecord } from '../../src/job';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, type Lane, STEADY, startCrashWorld } from '../support/crash-world';
import { outcome } from '../support/killed-job';
import { needPythonPackage, TEMPORAL } from '../support/python-client';
import { until } from '../support/until';

const run = promisify(execFile);
const pythonSdk = needPythonPackage(TEMPORAL);
/** Keys in another order and letters that some languages escape: the digest is the same. */
const INPUT = { title: '  amélie 🎬 (2001)', description: 'naïve', category: 'film' };
const SAME_INPUT =
  '{"category": "film", "description": "na\\u00efve", "title": "  amélie \\ud83c\\udfac (2001)"}';

let world: CrashWorld;
let lane: Lane;
let cli: string;
beforeAll(async () => {
  cli = await resolveTemporalBinary('cli');
  world = await startCrashWorld();
  lane = await world.openLane('inference');
  await lane.startWorker({ recovery: 'none', env: STEADY });
});
afterAll(() => world.stop());

/** Temporal's own command line, a Go program that knows nothing of ours. */
async function temporal(...args: string[]) {
  const { stdout } = await run(cli, ['workflow', ...args, '--address', world.address, '--output', 'json']);
  return JSON.parse(stdout);
}

const start = (id: string) =>
  temporal(
    'start',
    ...['--type', 'inferenceJob', '--task-queue', 'inference', '--workflow-id', id],
    ...['--input', `{"task": "enrich", "input": ${SAME_INPUT}}`],
  );

async function recordQuery(id: string): Promise<JobRecord> {
  const { queryResult } = await temporal('query', '--name', 'record', '--workflow-id', id);
  return queryResult[0];
}

test.concurrent('the temporal CLI starts a job and reads its result; a TypeScript client then gets the same record', async () => {
  await start('go-first');
  const { result } = await temporal('result', '--workflow-id', 'go-first');
  expect(result).toMatchObject({ status: 'COMPLETED', source: 'inference', job_id: 'go-first' });
  expect(await recordQuery('go-first')).toEqual(result);
  const answer = await lane.jobs.submit({ job_id: 'go-first', task: 'enrich', input: INPUT });
  // the CLI prints an empty list as null
  expect(answer).toEqual({ ...result, decisions: [], created: false, replayed: true });
  expect(world.model.billed('go-first')).toBe(1);
}, 180_000);

test.concurrent('a doubt about a job of the temporal CLI is settled by it, as the run itself tells how', async () => {
  await world.setRule('go-doubt', { reset: 'after_billing' });
  await start('go-doubt');
  const held = await until('the doubt is shown', async () => {
    const record = await recordQuery('go-doubt');
    return record?.doubt?.recovering === false && record;
  });
  await world.setRule('go-doubt', null);
  const resolve = (doubt: number) =>
    temporal(
      ...['update', 'execute', '--name', 'resolve', '--workflow-id', 'go-doubt', '--input'],
      JSON.stringify({ action: 'rerun', doubt, by: 'gopher' }),
    );
  await expect(resolve(held.token - 1)).rejects.toThrow('is not the present one');
  await resolve(held.token);
  const { result } = await temporal('result', '--workflow-id', 'go-doubt');
  expect(result).toMatchObject({
    status: 'COMPLETED',
    attempts: 2,
    decisions: [{ action: 'rerun', doubt: held.token, by: 'gopher' }],
  });
  expect(world.model.billed('go-doubt')).toBe(2);
}, 180_000);

test.concurrent('a Python client joins a job of a TypeScript client: one call, one record', async () => {
  const id = 'python-joins';
  await world.holdCalls(id);
  await lane.jobs.submit({ job_id: id, task: 'enrich', input: INPUT });
  await world.model.waitForHeld(id);
  const python = startPython(id);
  await until('it has joined', () => python.said.includes('started'));
  await world.letGo(id);
  const { result, record } = await python.answer;
  expect(result).toMatchObject({ status: 'COMPLETED', source: 'inference', attempts: 1 });
  expect(record).toEqual(result);
  expect(await outcome(lane, id)).toEqual(result);
  expect(world.model.billed(id)).toBe(1);
}, 180_000);

test.concurrent('a Python client starts a job: a TypeScript duplicate is answered from its record', async () => {
  const { result } = await startPython('python-first').answer;
  const answer = await lane.jobs.submit({ job_id: 'python-first', task: 'enrich', input: INPUT });
  expect(answer).toEqual({ ...result, created: false, replayed: true });
  expect(world.model.billed('python-first')).toBe(1);
}, 180_000);

function startPython(id: string) {
  const said: string[] = [];
  const args = [world.address, 'inference', id, `{"task": "enrich", "input": ${SAME_INPUT}}`];
  const env = { ...process.env, PYTHONPATH: pythonSdk };
  const ended = run('python3', [join(__dirname, '..', 'support', 'bare_client.py'), ...args], { env });
  ended.child.stdout?.on('data', (text) => said.push(...String(text).trim().split('\n')));
  const answer = ended.then(
    ({ stdout }) => JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<'result' | 'record', JobRecord>,
  );
  return { said, answer };
}

endsWithPromisesKept(() => world);
