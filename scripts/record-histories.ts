// Records a history of each path of `inferenceJob` into test/histories, for the replay test. Run it when the
// workflow has changed in a way that old runs need not survive: npx jiti scripts/record-histories.ts
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { RuleAction } from '../src/dev/offline/protocol';
import type { JobRecord } from '../src/job';
import { until } from '../test/support/until';
import { startWorld, type World } from '../test/support/world';

const { History } = temporal.api.history.v1;
/** The form that `History.fromObject` reads. */
const AS_JSON = { longs: String, enums: String, bytes: String };
const FOLDER = join(__dirname, '..', 'test', 'histories');
const INPUT = { title: '  the   thing (1982)' };
const RESULT = { normalized_title: 'The Thing (1982)', category: 'other' };
const LOST: RuleAction = { reset: 'after_billing' };
const FOREVER = { hold: true } as const;

/** What a path does once its job was submitted; the run has closed when it resolves. */
type Act = (world: World, id: string) => Promise<unknown>;

/** One path: how the model answers (`rule`, `times` times), and what is done. */
interface Path {
  rule?: RuleAction;
  times?: number;
  recovery?: 'stored' | 'background' | 'none';
  /** Default true. */
  searchAttributes?: boolean;
  /** From so many events on Temporal suggests to continue as new. */
  longAt?: number;
  /** Record the first run of the job and not its last. */
  isFirstRun?: boolean;
  act?: Act;
}

const decide =
  (action: 'rerun' | 'adopt'): Act =>
  async (world, id) => {
    const { token } = await untilHeld(world, id);
    const result = action === 'adopt' ? RESULT : undefined;
    await world.jobs.resolve(id, { action, doubt: token, by: 'ann', result });
  };

const PATHS: Record<string, Path> = {
  completed: {},
  'completed-without-attributes': { searchAttributes: false },
  'retried-after-429': { rule: { status: 429, headers: { 'retry-after': '1' } }, times: 1 },
  failed: { rule: { content: 'no JSON at all' } },
  'held-and-rerun': { rule: LOST, times: 1, recovery: 'none', act: decide('rerun') },
  'held-and-adopted': { rule: LOST, recovery: 'none', act: decide('adopt') },
  'held-and-canceled': {
    rule: LOST,
    recovery: 'none',
    act: async (world, id) => {
      await untilHeld(world, id);
      await world.jobs.cancel(id);
    },
  },
  'held-and-continued-as-new': {
    rule: LOST,
    times: 1,
    recovery: 'none',
    longAt: 8,
    isFirstRun: true,
    act: async (world, id) => {
      const { token } = await untilHeld(world, id);
      const { runId } = await world.client.workflow.getHandle(id).describe();
      await world.client.workflow.getHandle(id).signal('settled');
      await untilRun(world, id, (run) => run.runId !== runId);
      await world.jobs.resolve(id, { action: 'rerun', doubt: token, by: 'ann' });
    },
  },
  'reopened-by-retry': {
    rule: { content: 'no JSON at all' },
    times: 1,
    act: async (world, id) => {
      await world.jobs.wait(id).catch(() => undefined);
      await world.jobs.retry(id, {});
    },
  },
  forgotten: {
    act: async (world, id) => {
      await world.jobs.wait(id);
      await world.jobs.forget(id);
      const args = [{ task: 'enrich', input: INPUT }];
      await world.client.workflow.start('inferenceJob', { workflowId: id, taskQueue: 'inference', args });
    },
  },
  'canceled-in-call': {
    rule: FOREVER,
    recovery: 'none',
    act: async (world, id) => {
      await world.model.waitForHeld(id);
      await world.jobs.cancel(id);
    },
  },
  recovered: { rule: { ...LOST, list_after_ms: 1_500 }, recovery: 'stored' },
  background: {
    rule: FOREVER,
    recovery: 'background',
    act: async (world, id) => {
      await untilPolled(world, id);
      await world.model.release(id);
    },
  },
  'background-canceled': {
    rule: FOREVER,
    recovery: 'background',
    act: async (world, id) => {
      await untilPolled(world, id);
      await world.jobs.cancel(id);
    },
  },
  mismatched: {
    act: async (world, id) => {
      await world.jobs.wait(id);
      await world.client.workflow.getHandle(id).result();
      const args = [{ task: 'enrich', input: { title: 'another one' } }];
      await world.client.workflow
        .execute('inferenceJob', { workflowId: id, taskQueue: 'inference', args })
        .catch(() => undefined);
    },
  },
};

async function untilPolled(world: World, id: string): Promise<void> {
  await world.model.waitForHeld(id);
  await world.model.waitForState(({ polls }) => polls > 1);
}

async function untilRun(
  world: World,
  id: string,
  is: (run: WorkflowExecutionDescription) => boolean,
): Promise<void> {
  const handle = world.client.workflow.getHandle(id);
  await until(`another run of ${id}`, async () => is(await handle.describe()));
}

async function untilHeld(world: World, id: string): Promise<JobRecord> {
  const error = await world.jobs.wait(id).catch((e) => e);
  if (error.code !== 'in_doubt') throw error;
  return error.record;
}

async function record(name: string, path: Path): Promise<void> {
  const { rule, times, recovery = 'stored', searchAttributes = true, longAt, isFirstRun, act } = path;
  const dynamicConfig = longAt ? { 'limit.historyCount.suggestContinueAsNew': longAt } : undefined;
  const world = await startWorld({ server: 'dev', recovery, searchAttributes, dynamicConfig });
  try {
    // a history that is to be recorded must not be erased
    await world.addWorker({ eraseHistory: async () => undefined });
    if (rule) await world.model.rules({ match: { job_id: name }, times, do: rule });
    await world.jobs.submit({ job_id: name, task: 'enrich', input: INPUT });
    const first = await world.client.workflow.getHandle(name).describe();
    await act?.(world, name);
    await world.client.workflow
      .getHandle(name)
      .result()
      .catch(() => undefined);
    const run = world.client.workflow.getHandle(name, isFirstRun ? first.runId : undefined);
    const json = History.toObject(History.fromObject(await run.fetchHistory()), AS_JSON);
    writeFileSync(join(FOLDER, `${name}.json`), `${JSON.stringify(scrub(json))}\n`);
    console.log(`${name}: ${json.events.length} events`);
  } finally {
    await world.stop();
  }
}

/** Without what names the machine or the process that recorded it: identities, their queues, stack traces. */
function scrub(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(scrub);
  if (typeof value === 'string') return value.replace(/^\d+@.+/, 'recorder');
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== 'stackTrace');
  return Object.fromEntries(kept.map(([key, inner]) => [key, scrub(inner)]));
}

async function main(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const only = process.argv.slice(2);
  for (const [name, path] of Object.entries(PATHS)) {
    if (only.length === 0 || only.includes(name)) await record(name, path);
  }
}

void main();
