import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporal } from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';

const HISTORIES = join(__dirname, '..', 'histories');
const DIST = join(__dirname, '..', '..', 'dist');
const PLAIN = 'workflow-bundle.js';
const TRACED = 'workflow-bundle-traced.js';

interface History {
  events: { activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
}

const names = readdirSync(HISTORIES).map((file) => file.replace('.json', ''));
const load = (name: string): History => JSON.parse(readFileSync(join(HISTORIES, `${name}.json`), 'utf8'));

const replay = (json: History, id: string, bundle = PLAIN) => {
  const history = temporal.api.history.v1.History.fromObject(json);
  return Worker.runReplayHistory(
    { workflowBundle: { code: readFileSync(join(DIST, bundle), 'utf8') } },
    history,
    id,
  );
};

beforeAll(() => {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
    shutdownSignals: [],
  });
});

test('there is a history of each path that a run can take', () => {
  expect(names.sort()).toEqual([
    'background',
    'background-canceled',
    'canceled-in-call',
    'completed',
    'completed-without-attributes',
    'failed',
    'forgotten',
    'held-and-adopted',
    'held-and-canceled',
    'held-and-continued-as-new',
    'held-and-rerun',
    'mismatched',
    'recovered',
    'reopened-by-retry',
    'retried-after-429',
  ]);
});

test.each(names)('a run that was started by an earlier release goes on under this one: %s', async (name) => {
  await replay(load(name), name);
});

test.each(names)('and under its code with traces: %s', async (name) => {
  await replay(load(name), name, TRACED);
});

test('a history that this code would not make is refused', async () => {
  const history = load('held-and-rerun');
  const scheduled = history.events.map((event) => event.activityTaskScheduledEventAttributes).filter(Boolean);
  expect(scheduled.map((attributes) => attributes!.activityType.name)).toEqual([
    'infer',
    'decideDoubt',
    'infer',
  ]);
  scheduled[2]!.activityType.name = 'inferTwice';
  await expect(replay(history, 'held-and-rerun')).rejects.toThrow(DeterminismViolationError);
});
