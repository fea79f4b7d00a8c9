import { deleteHistory } from '../../src/client/history';
import { findRun, recordOfRun } from '../../src/client/runs';
import type { JobRecord } from '../../src/job';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, type Lane, STEADY, startCrashWorld } from '../support/crash-world';
import { INPUT, outcome } from '../support/killed-job';
import { until } from '../support/until';

/** As DESIGN names them. */
const SEARCH_ATTRIBUTES = {
  ...{
    JobTask: 'Keyword',
    JobStatus: 'Keyword',
    JobModel: 'Keyword',
    JobTokens: 'Int',
    JobCostUsd: 'Double',
  },
};
const RESULT = { normalized_title: 'The Thing (1982)', category: 'film' };
const jobOf = (job_id: string) => ({ job_id, task: 'enrich', input: INPUT });

let world: CrashWorld;
let lane: Lane;
beforeAll(async () => {
  world = await startCrashWorld({ searchAttributes: SEARCH_ATTRIBUTES });
  lane = await world.openLane('operators');
  // nobody to ask after a lost answer: each doubt is the operator's
  await lane.startWorker({ recovery: 'none', env: STEADY });
});
afterAll(() => world.stop());

/** Submits a job whose every answer is lost on the way. */
async function loseAnswer(id: string): Promise<JobRecord> {
  await world.setRule(id, { reset: 'after_billing' });
  await lane.jobs.submit(jobOf(id));
  const record = await outcome(lane, id);
  expect(record).toMatchObject({ status: 'IN_DOUBT', billed: 'unknown', doubt: { recovering: false } });
  return record;
}

/** As an operator does in Temporal UI: back to the first workflow task. */
async function reset(id: string): Promise<string> {
  const { runId } = await world.client.workflow.getHandle(id).describe();
  const events = await eventsOf(id, runId);
  const first = events.find((event) => event.workflowTaskCompletedEventAttributes);
  const answer = await world.client.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: id, runId },
    reason: 'an operator looks again',
    requestId: `reset-${id}`,
    workflowTaskFinishEventId: first!.eventId!,
  });
  return answer.runId!;
}

async function eventsOf(id: string, runId?: string) {
  const { events } = await world.client.workflow.getHandle(id, runId).fetchHistory();
  return events ?? [];
}

const ending = (id: string, runId?: string) =>
  world.client.workflow
    .getHandle(id, runId)
    .result()
    .catch((error) => error.cause);

test.concurrent('a completed run that is reset ends with the same result and no call', async () => {
  await lane.jobs.run(jobOf('reset-completed'));
  const record = await lane.jobs.get('reset-completed');
  await ending('reset-completed');
  const runId = await reset('reset-completed');
  expect(await ending('reset-completed', runId)).toEqual(record);
  expect(world.model.billed('reset-completed')).toBe(1);
}, 180_000);

test.concurrent('a failed run that is reset fails the same way and calls nobody', async () => {
  await world.setRule('reset-failed', { content: 'no JSON at all' });
  await lane.jobs.submit(jobOf('reset-failed'));
  const record = await outcome(lane, 'reset-failed');
  expect(record).toMatchObject({ status: 'FAILED', error: { code: 'output_invalid' }, billed: 'yes' });
  await ending('reset-failed');
  const runId = await reset('reset-failed');
  expect(await ending('reset-failed', runId)).toMatchObject({ type: 'output_invalid', details: [record] });
  expect(world.model.billed('reset-failed')).toBe(1);
}, 180_000);

test.concurrent('a run of a retry that is reset finds its permit used up', async () => {
  await world.setRule('reset-retry', { content: 'no JSON at all' });
  await lane.jobs.submit(jobOf('reset-retry'));
  expect(await outcome(lane, 'reset-retry')).toMatchObject({ status: 'FAILED', billed: 'yes' });
  await expect(lane.jobs.retry('reset-retry', { timeoutMs: 90_000 })).rejects.toMatchObject({
    code: 'output_invalid',
  });
  expect(world.model.billed('reset-retry')).toBe(2);
  const record = await lane.jobs.get('reset-retry');
  await ending('reset-retry');
  const runId = await reset('reset-retry');
  expect(await ending('reset-retry', runId)).toMatchObject({ type: 'output_invalid', details: [record] });
  expect(world.model.billed('reset-retry')).toBe(2);
}, 180_000);

test.concurrent('a held run that is reset: the decision about an earlier doubt does not answer the present one', async () => {
  const id = 'reset-held';
  const first = await loseAnswer(id);
  await lane.jobs.resolve(id, { action: 'rerun', doubt: first.token, by: 'ann' });
  const second = await until('a second doubt', async () => {
    const record = await outcome(lane, id);
    return record.token !== first.token && record;
  });
  expect(second).toMatchObject({ status: 'IN_DOUBT', attempts: 2 });
  expect(world.model.billed(id)).toBe(2);

  const runId = await reset(id);
  // the Reset asks for it again: it counted once, is known by what is on record, and changes nothing
  await until('the old decision is answered', async () =>
    (await eventsOf(id, runId)).find(
      ({ workflowExecutionUpdateCompletedEventAttributes: completed }) => completed?.outcome,
    ),
  );
  expect(await lane.jobs.get(id)).toMatchObject({ status: 'IN_DOUBT', token: second.token });
  expect((await lane.jobs.get(id))?.decisions).toHaveLength(1);

  await lane.jobs.resolve(id, { action: 'adopt', doubt: second.token, by: 'bob', result: RESULT });
  expect(await ending(id)).toMatchObject({ status: 'COMPLETED', source: 'adopted', result: RESULT });
  expect(world.model.billed(id)).toBe(2);
}, 180_000);

test.concurrent('a run terminated in mid-call: a new submission gets the answer of the call that went on', async () => {
  const id = 'terminated';
  await world.holdCalls(id);
  await lane.jobs.submit(jobOf(id));
  await world.model.waitForHeld(id);
  await world.client.workflow.getHandle(id).terminate('an operator tidies up');
  const answer = await lane.jobs.submit(jobOf(id));
  expect(answer).toMatchObject({ created: true, status: 'IN_PROGRESS' });
  await world.letGo(id);
  expect(await outcome(lane, id)).toMatchObject({ status: 'COMPLETED', source: 'inference', attempts: 1 });
  expect(await ending(id)).toMatchObject({ status: 'COMPLETED' });
  expect(world.model.billed(id)).toBe(1);
}, 180_000);

test.concurrent('a held run that was terminated can still be settled', async () => {
  const id = 'terminated-held';
  const { token } = await loseAnswer(id);
  await world.client.workflow.getHandle(id).terminate('an operator tidies up');
  await world.setRule(id, null);
  await lane.jobs.resolve(id, { action: 'rerun', doubt: token, by: 'ann' });
  expect(await outcome(lane, id)).toMatchObject({ status: 'COMPLETED', source: 'inference', attempts: 2 });
  expect(world.model.billed(id)).toBe(2);
}, 180_000);

test.concurrent('a reader without a store whose run is deleted under it is told that nothing is known', async () => {
  await lane.jobs.run(jobOf('deleted'));
  await ending('deleted');
  const run = (await findRun(world.client, 'deleted'))!;
  await deleteHistory(world.client, 'deleted');
  await until('the run is gone', async () => (await findRun(world.client, 'deleted')) === null);
  expect(await recordOfRun(world.client, 'deleted', run)).toBeNull();
}, 180_000);

test.concurrent('Temporal UI says what a run is, what it waits for, and how to settle a doubt', async () => {
  const id = 'told';
  const { token, doubt } = await loseAnswer(id);
  const handle = world.client.workflow.getHandle(id);
  const details = async () =>
    (await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;
  const said = await until('details of the doubt', async () => {
    const text = await details();
    return text.includes('Settle it') && text;
  });
  expect(said).toContain(`**enrich**: IN DOUBT since ${doubt!.since}: ${doubt!.reason}.`);
  expect(said).toContain(`{"action": "rerun", "doubt": ${token}, "by": "you"}`);
  expect(said).toContain(`infer-once resolve ${id} --rerun | --adopt FILE | --abandon`);
  expect(await (await handle.describe()).staticSummary()).toBe(`enrich ${id}`);
  expect(await handle.query('record')).toEqual(await lane.jobs.get(id));

  await lane.jobs.resolve(id, { action: 'abandon', doubt: token, by: 'ann' });
  await ending(id);
  expect(await details()).toBe('**enrich**: FAILED (abandoned: abandoned by ann), billed: unknown');
}, 180_000);

test.concurrent('jobs are found by status, task, model, tokens and cost', async () => {
  const record = await lane.jobs.run(jobOf('seen-done'));
  await world.setRule('seen-bad', { content: 'no JSON at all' });
  await lane.jobs.submit(jobOf('seen-bad'));
  await outcome(lane, 'seen-bad');
  expect(record.cost_usd).toBeGreaterThan(0);
  const tokens = record.usage!.input_tokens! + record.usage!.output_tokens!;
  expect(await attributesOf('seen-done')).toEqual({
    JobTask: 'enrich',
    JobStatus: 'COMPLETED',
    JobModel: record.model,
    JobTokens: tokens,
    JobCostUsd: record.cost_usd,
  });
  expect(await attributesOf('seen-bad')).toMatchObject({ JobTask: 'enrich', JobStatus: 'FAILED' });

  const found = async (query: string) => {
    const ids: string[] = [];
    for await (const { workflowId } of world.client.workflow.list({ query })) ids.push(workflowId);
    return ids;
  };
  const ours = `WorkflowId STARTS_WITH 'seen-' AND JobTask = 'enrich'`;
  await until('both are listed', async () => (await found(ours)).length === 2);
  const query = `${ours} AND JobStatus = 'COMPLETED' AND JobModel = '${record.model}' AND JobTokens = ${tokens}`;
  await until('the attributes are listed', async () => (await found(query)).length === 1);
  expect(await found(query)).toEqual(['seen-done']);
  expect(await found(`${ours} AND JobStatus = 'FAILED'`)).toEqual(['seen-bad']);
}, 180_000);

/** The run's own search attributes once it has ended. */
async function attributesOf(id: string): Promise<Record<string, unknown>> {
  await ending(id);
  const { typedSearchAttributes } = await world.client.workflow.getHandle(id).describe();
  const ours = typedSearchAttributes.getAll().filter(({ key }) => key.name in SEARCH_ATTRIBUTES);
  return Object.fromEntries(ours.map(({ key, value }) => [key.name, value]));
}

endsWithPromisesKept(() => world);
