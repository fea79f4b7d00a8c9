import type { RuleAction } from '../../src/dev/offline/protocol';
import type { JobRecord } from '../../src/job';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, type Lane, STEADY, startCrashWorld } from '../support/crash-world';
import { done, type Expected } from '../support/kill-table';
import { INPUT, outcome } from '../support/killed-job';
import { until } from '../support/until';
import { loggedBy, type WorkerProcess } from '../support/worker-process';

const answered = (attempts: number): Expected => ({ billed: 1, record: done('inference', attempts) });
const inDoubt = (billed: number, reason: string): Expected => ({
  billed,
  record: {
    ...{ status: 'IN_DOUBT', billed: 'unknown', attempts: 1, result: null },
    doubt: expect.objectContaining({ reason: expect.stringContaining(reason), recovering: false }),
  },
});
const canceled = (billed: number): Expected => ({
  billed,
  record: { status: 'CANCELED', billed: 'unknown', attempts: 1, result: null, doubt: null },
});

/** What the provider does with the request that starts the call: without its id nobody can ask for it. */
const AT_START: Record<string, [RuleAction, Expected]> = {
  'never answers, and never executed it': [{ hang: true }, inDoubt(0, 'no answer within 3')],
  'never answers, and runs it': [{ hang: true, bill: true }, inDoubt(1, 'no answer within 3')],
  'resets the connection before it has it': [{ reset: 'before' }, inDoubt(0, 'the connection failed')],
  'resets the connection after billing, before the id is read': [
    { reset: 'after_billing' },
    inDoubt(1, 'the connection failed'),
  ],
  'sends half a body, and runs it': [{ truncate: true }, inDoubt(1, "the answer can't be read")],
  'sends a page that is no JSON, and runs it': [{ not_json: true }, inDoubt(1, "the answer can't be read")],
  'says 429': [{ status: 429 }, answered(2)],
  'says 500': [{ status: 500 }, inDoubt(0, 'status 500')],
  'says 500, and runs it': [{ status: 500, bill: true }, inDoubt(1, 'status 500')],
  'says 502, as a proxy does': [{ status: 502, body: '<html>bad gateway</html>' }, inDoubt(0, 'status 502')],
};

/** What it does with the first two questions for a call that it runs: the call goes on, and so does the asking. */
const AT_POLL: Record<string, RuleAction> = {
  'says 500': { status: 500 },
  'says 429': { status: 429, headers: { 'retry-after': '1800' } },
  'says 401': { status: 401 },
  'sends half a body': { truncate: true },
  'sends a page that is no JSON': { not_json: true },
  'resets the connection': { reset: 'before' },
  'never answers': { hang: true },
};

/** How the call itself ends at the provider, whose word for a failure is not taken: it is not the OpenAI API. */
const AT_END: Record<string, [RuleAction, Expected]> = {
  'failed, unpaid': [{ fail: 'server_error' }, inDoubt(0, 'the response failed at the provider')],
  'failed, and was paid': [
    { fail: 'server_error', bill: true },
    inDoubt(1, 'the response failed at the provider (code server_error)'),
  ],
  'cut off at its length': [
    { finish_reason: 'length' },
    { billed: 1, record: { status: 'FAILED', billed: 'yes', attempts: 1, error: failure('truncated') } },
  ],
  refused: [
    { refusal: 'I would rather not.' },
    { billed: 1, record: { status: 'FAILED', billed: 'yes', attempts: 1, error: failure('refused') } },
  ],
};

function failure(code: string): JobRecord['error'] {
  return expect.objectContaining({ code });
}

let world: CrashWorld;
/** A call that has not begun soon is given up here. */
let hasty: Lane;
let patient: Lane;
let asking: WorkerProcess;
beforeAll(async () => {
  world = await startCrashWorld();
  await world.model.rules(...RULES);
  hasty = await world.openLane('hasty');
  patient = await world.openLane('patient');
  [asking] = await Promise.all([
    patient.startWorker({ recovery: 'background', env: STEADY }),
    hasty.startWorker({ recovery: 'background', env: { ...STEADY, INFER_ONCE_CALL_TIMEOUT: '3s' } }),
  ]);
}, 180_000);
afterAll(() => world.stop());

const nameOf = (stage: string, fault: string) => `${stage}-${fault.replace(/[^a-z0-9]+/g, '-')}`;

/** Held until the test has its id, and has done with the call what it wants. */
const HELD = ['cancelled', 'expired', 'unknown-word', 'given-up', 'given-up-500', 'given-up-hang'];

const RULES = [
  ...Object.entries(AT_START).map(([fault, [action]]) => ({
    ...{ match: { job_id: nameOf('start', fault) }, times: 1, do: action },
  })),
  ...Object.entries(AT_POLL).map(([fault, action]) => ({
    ...{ match: { route: 'retrieve' as const, job_id: nameOf('poll', fault) }, times: 2, do: action },
  })),
  ...Object.entries(AT_END).map(([fault, [action]]) => ({
    ...{ match: { job_id: nameOf('end', fault) }, do: action },
  })),
  { match: { route: 'cancel' as const, job_id: 'given-up-500' }, do: { status: 500 } },
  { match: { route: 'cancel' as const, job_id: 'given-up-hang' }, do: { hang: true as const } },
  {
    match: { route: 'retrieve' as const, job_id: 'unknown-word' },
    do: { body: { id: 'resp_x', status: 'expired' } },
  },
  ...HELD.map((job_id) => ({ match: { job_id }, times: 1, do: { hold: true as const } })),
];

async function run(lane: Lane, jobId: string): Promise<Expected> {
  await lane.jobs.submit({ job_id: jobId, task: 'enrich', input: INPUT });
  const record = await outcome(lane, jobId);
  return { billed: world.model.billed(jobId), record };
}

test.concurrent.each(Object.keys(AT_START))(
  'a provider that %s, when a background call is started: no second call that anybody might pay for',
  async (fault) => {
    expect(await run(hasty, nameOf('start', fault))).toMatchObject(AT_START[fault]![1]);
  },
  180_000,
);

test.concurrent.each(Object.keys(AT_POLL))(
  'a provider that %s, when it is asked for a call that it runs: asked again, one call and its answer',
  async (fault) => {
    const jobId = nameOf('poll', fault);
    expect(await run(patient, jobId)).toMatchObject(answered(1));
    const failed = loggedBy(asking).filter(({ msg, job_id }) => msg === 'look_up_failed' && job_id === jobId);
    expect(failed).toHaveLength(2);
  },
  180_000,
);

test.concurrent.each(Object.keys(AT_END))(
  'a background call that is %s: exactly this record, and no second call',
  async (fault) => {
    expect(await run(patient, nameOf('end', fault))).toMatchObject(AT_END[fault]![1]);
  },
  180_000,
);

/** Starts a call that the provider holds; gives the id under which it runs. */
async function startHeld(jobId: string): Promise<string> {
  await patient.jobs.submit({ job_id: jobId, task: 'enrich', input: INPUT });
  await world.model.waitForHeld(jobId);
  return until(`the id of ${jobId} on record`, async () => {
    const { job } = await patient.store.read(jobId);
    return job?.calls[0]?.operation;
  });
}

/** What somebody else does at the provider, e.g. in its dashboard. */
async function atProvider(method: 'POST' | 'DELETE', path: string): Promise<void> {
  const response = await fetch(`${world.model.baseUrl}/responses/${path}`, { method });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
}

test.concurrent('a background call that somebody cancels at the provider: in doubt, for it may have been paid', async () => {
  const id = await startHeld('cancelled');
  await atProvider('POST', `${id}/cancel`);
  const record = await outcome(patient, 'cancelled');
  expect({ billed: world.model.billed('cancelled'), record }).toMatchObject(
    inDoubt(0, 'the response was cancelled at the provider'),
  );
}, 180_000);

test.concurrent('a background call whose answer the provider keeps no longer: in doubt, and not called again', async () => {
  const id = await startHeld('expired');
  await atProvider('DELETE', id);
  const record = await outcome(patient, 'expired');
  await world.model.release('expired');
  expect(record).toMatchObject(inDoubt(0, 'does not know the running call any more').record);
  await until('the call has run', () => world.model.billed('expired') === 1);
}, 180_000);

test.concurrent('a background call in a state that nobody knows: in doubt, and not called again', async () => {
  await startHeld('unknown-word');
  const record = await outcome(patient, 'unknown-word');
  await world.model.release('unknown-word');
  expect(record).toMatchObject(inDoubt(0, "the provider's response can't be read").record);
}, 180_000);

test.concurrent.each([
  ['stops it', 'given-up', 0],
  ['refuses to stop it', 'given-up-500', 1],
  ['does not answer', 'given-up-hang', 1],
])(
  'a cancel in the middle of a background call, the provider %s: canceled, perhaps paid, and not called again',
  async (_, jobId, billed) => {
    const id = await startHeld(jobId);
    const record = await patient.jobs.cancel(jobId, { timeoutMs: 60_000 });
    await world.model.release(jobId);
    if (billed) await until('the call has run', () => world.model.billed(jobId) === 1);
    expect({ billed: world.model.billed(jobId), record }).toMatchObject(canceled(billed));
    const ended = await world.client.workflow
      .getHandle(jobId)
      .result()
      .catch((error) => error.cause);
    expect(ended).toMatchObject({ name: 'CancelledFailure' });
    const again = await patient.jobs.submit({ job_id: jobId, task: 'enrich', input: INPUT });
    expect(again).toMatchObject({ status: 'CANCELED', replayed: true });
    const { status } = (await fetch(`${world.model.baseUrl}/responses/${id}`).then((r) => r.json())) as {
      status: string;
    };
    expect(status).toBe(billed ? 'completed' : 'cancelled');
  },
  180_000,
);

endsWithPromisesKept(() => world);
