import type { JobRecord } from '../../src/job';
import { CRASH_POINTS, type CrashPoint } from '../support/crash-points';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { type KillCase, outcome, runKilledJob } from '../support/killed-job';

/** What a kill comes to: calls in the ledger, and the record. */
interface Expected {
  billed: number;
  record: Partial<JobRecord>;
  /** How a job left in doubt is settled then, and what that comes to. */
  settle?: { action: 'rerun' | 'abandon' | 'adopt'; billed: number; record: Partial<JobRecord> };
}

const RESULT = { normalized_title: 'The Thing (1982)', category: 'film' };
const done = (source: JobRecord['source'], attempts: number): Partial<JobRecord> => ({
  ...{ status: 'COMPLETED', source, attempts, result: RESULT, billed: 'yes', doubt: null, error: null },
});
const unsettled: Partial<JobRecord> = { status: 'IN_DOUBT', billed: 'unknown', attempts: 1, result: null };

/** Nothing was written: the next worker claims as if there had been none. */
const asIfNew: Expected = { billed: 1, record: done('inference', 1) };
/** Claimed, and nobody can know that it was never sent: held, and a decision runs it. */
const neverSent: Expected = {
  billed: 0,
  record: unsettled,
  settle: { action: 'rerun', billed: 1, record: done('inference', 2) },
};
/** Paid for, and the provider still has the answer. */
const found: Expected = { billed: 1, record: done('recovered', 1) };
/** Paid for, and nobody can be asked. */
const lost: Expected = { billed: 1, record: unsettled };
const abandoned = { status: 'FAILED', billed: 'unknown', error: { code: 'abandoned' } } as Partial<JobRecord>;
/** Durable before the death: what came after it is Temporal's to repeat. */
const saved: Expected = { billed: 1, record: done('inference', 1) };

/** By point and recovery, for the policy `hold`. */
const EXPECTED: Record<CrashPoint, Record<'stored' | 'none', Expected>> = {
  before_claim: { stored: asIfNew, none: asIfNew },
  after_claim: { stored: neverSent, none: neverSent },
  before_send: { stored: neverSent, none: neverSent },
  in_call: {
    stored: found,
    none: { ...lost, settle: { action: 'rerun', billed: 2, record: done('inference', 2) } },
  },
  after_answer: {
    stored: found,
    none: { ...lost, settle: { action: 'abandon', billed: 1, record: abandoned } },
  },
  before_save: {
    stored: found,
    none: {
      ...lost,
      settle: { action: 'adopt', billed: 1, record: { ...done('adopted', 1), billed: 'unknown' } },
    },
  },
  after_save: { stored: saved, none: saved },
  before_report: { stored: saved, none: saved },
  before_workflow_completes: { stored: saved, none: saved },
};

const cases = CRASH_POINTS.flatMap((point) =>
  (['stored', 'none'] as const).map((recovery): KillCase => ({ point, recovery })),
);

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

test.concurrent.each(cases)(
  'a worker killed at $point, recovery $recovery: never an unknown second call, and no answer lost',
  async ({ point, recovery }) => {
    const expected = EXPECTED[point][recovery];
    const name = `${point}-${recovery}`;
    const { lane, record, billed } = await runKilledJob(world, name, { point, recovery });
    expect({ billed, record }).toMatchObject({ billed: expected.billed, record: expected.record });

    if (expected.settle) {
      const { action } = expected.settle;
      expect(record.doubt).toMatchObject({ token: record.token, recovering: false });
      const result = action === 'adopt' ? RESULT : undefined;
      await lane.jobs.resolve(name, { action, doubt: record.token, by: 'ann', result });
      const settled = await outcome(lane, name);
      expect({ billed: world.model.billed(name), record: settled }).toMatchObject({
        billed: expected.settle.billed,
        record: expected.settle.record,
      });
      expect(settled.decisions).toMatchObject([{ action, doubt: record.token, by: 'ann' }]);
    }
    await expectRunEndsAs(name, await outcome(lane, name));
  },
  180_000,
);

test.concurrent.each(CRASH_POINTS.filter((point) => point !== 'in_call'))(
  'an error thrown at %s comes to the same as a death there',
  async (point) => {
    const expected = EXPECTED[point].stored;
    const name = `throw-${point}`;
    const { record, billed } = await runKilledJob(world, name, { point, recovery: 'stored', how: 'throw' });
    expect({ billed, record }).toMatchObject({ billed: expected.billed, record: expected.record });
  },
  180_000,
);

/** Temporal's own reader sees what the store's readers see. */
async function expectRunEndsAs(name: string, record: JobRecord): Promise<void> {
  const ended = await world.client.workflow
    .getHandle(name)
    .result()
    .catch((error) => error.cause);
  if (record.status === 'COMPLETED') expect(ended).toEqual(record);
  else expect(ended).toMatchObject({ type: record.error?.code, details: [record] });
}
