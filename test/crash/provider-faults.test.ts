import type { RuleAction } from '../../src/dev/offline/protocol';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, type Lane, STEADY, startCrashWorld } from '../support/crash-world';
import { done, type Expected } from '../support/kill-table';
import { INPUT, outcome } from '../support/killed-job';

type Recovery = 'stored' | 'none';

const recovered: Expected = { billed: 1, record: done('recovered', 1) };
const answered = (attempts: number): Expected => ({ billed: 1, record: done('inference', attempts) });
const inDoubt = (billed: number): Expected => ({
  billed,
  record: { status: 'IN_DOUBT', billed: 'unknown', attempts: 1, result: null },
});

/** What the provider does with a job's first call, and what that comes to. */
const FAULTS: Record<string, { action: RuleAction } & Record<Recovery, Expected>> = {
  'never answers, and never executed it': { action: { hang: true }, stored: inDoubt(0), none: inDoubt(0) },
  'never answers, and was paid': { action: { hang: true, bill: true }, stored: recovered, none: inDoubt(1) },
  'resets the connection before it executes': {
    action: { reset: 'before' },
    stored: inDoubt(0),
    none: inDoubt(0),
  },
  'resets the connection after billing': {
    action: { reset: 'after_billing' },
    stored: recovered,
    none: inDoubt(1),
  },
  'sends half a body': { action: { truncate: true }, stored: recovered, none: inDoubt(1) },
  'sends 200 with a body that is no JSON': {
    action: { not_json: true },
    stored: recovered,
    none: inDoubt(1),
  },
  'says 429': { action: { status: 429 }, stored: answered(2), none: answered(2) },
  'says 500': { action: { status: 500 }, stored: inDoubt(0), none: inDoubt(0) },
  'says 500 and was paid': { action: { status: 500, bill: true }, stored: recovered, none: inDoubt(1) },
  'says 502, as a proxy does': {
    action: { status: 502, body: '<html>bad gateway</html>' },
    stored: inDoubt(0),
    none: inDoubt(0),
  },
  'sends the request elsewhere': {
    action: { redirect: 'http://127.0.0.1:9/v1/chat/completions' },
    stored: inDoubt(0),
    none: inDoubt(0),
  },
};

let world: CrashWorld;
const lanes = {} as Record<Recovery, Lane>;
beforeAll(async () => {
  world = await startCrashWorld();
  const rules = CASES.map(({ jobId, fault }) => ({
    ...{ match: { job_id: jobId }, times: 1, do: FAULTS[fault]!.action },
  }));
  await world.model.rules(...rules);
  for (const recovery of ['stored', 'none'] as const) {
    lanes[recovery] = await world.openLane(recovery);
    await lanes[recovery].startWorker({ recovery, env: { ...STEADY, INFER_ONCE_CALL_TIMEOUT: '3s' } });
  }
}, 180_000);
afterAll(() => world.stop());

const CASES = Object.keys(FAULTS).flatMap((fault) =>
  (['stored', 'none'] as const).map((recovery) => ({
    ...{ fault, recovery, jobId: `${recovery}-${fault.replace(/[^a-z0-9]+/g, '-')}` },
  })),
);

test.concurrent.each(CASES)(
  'a provider that $fault, recovery $recovery: no second call that anybody might pay for',
  async ({ fault, recovery, jobId }) => {
    const { jobs } = lanes[recovery];
    await jobs.submit({ job_id: jobId, task: 'enrich', input: INPUT });
    const record = await outcome(lanes[recovery], jobId);
    expect({ billed: world.model.billed(jobId), record }).toMatchObject(FAULTS[fault]![recovery]);
  },
  180_000,
);

endsWithPromisesKept(() => world);
