import type { DevServerOptions } from '../../src/dev/temporal';
import type { Tuning } from '../workers/infer-once-contract';

/** One value of a setting. */
export interface Choice {
  label: string;
  /** Of the worker. */
  worker?: Tuning;
  /** Of a dev server of its own. */
  server?: NonNullable<DevServerOptions['dynamicConfig']>;
  /** Jobs are submitted by the worker's own process. */
  together?: 'started' | 'started eagerly';
}

/** A setting whose values are compared. */
export interface Setting {
  /** For `--only`. */
  name: string;
  title: string;
  /** Has rounds three times as long, and half as many: what it sets shows only in a while. Default false. */
  isSlow?: boolean;
  /** First what infer-once does; then what it could do in its place. */
  choices: [Choice, ...Choice[]];
}

const fixed = (maximum: number) => ({ type: 'simple-maximum' as const, maximum });
/** With the SDK's own limits: 1 to 100, 5 at first. */
const AUTOSCALING = { type: 'autoscaling' as const };

const polls = (limit: number) => ({
  'history.transferProcessorMaxPollRPS': limit,
  'history.timerProcessorMaxPollRPS': limit,
});

const acknowledged = (every: string) => ({
  'history.transferProcessorUpdateAckInterval': every,
  'history.visibilityProcessorUpdateAckInterval': every,
});

/** What of worker and dev server could be otherwise. Present values are the product's: nothing is set for them. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'workflow-pollers',
    title: 'pollers for workflow tasks',
    choices: [
      { label: "10 (the SDK's)" },
      { label: '2', worker: { workflowTaskPollerBehavior: fixed(2) } },
      { label: '20', worker: { workflowTaskPollerBehavior: fixed(20) } },
      { label: 'autoscaling', worker: { workflowTaskPollerBehavior: AUTOSCALING } },
    ],
  },
  {
    name: 'activity-pollers',
    title: 'pollers for activities',
    choices: [
      { label: "10 (the SDK's)" },
      { label: '2', worker: { activityTaskPollerBehavior: fixed(2) } },
      { label: '20', worker: { activityTaskPollerBehavior: fixed(20) } },
      { label: 'autoscaling', worker: { activityTaskPollerBehavior: AUTOSCALING } },
    ],
  },
  {
    name: 'workflow-tasks',
    title: 'workflow tasks at once',
    choices: [
      { label: "40 (the SDK's)" },
      { label: '10', worker: { maxConcurrentWorkflowTaskExecutions: 10 } },
      { label: '120', worker: { maxConcurrentWorkflowTaskExecutions: 120 } },
    ],
  },
  {
    name: 'workflow-cache',
    title: 'workflows kept in memory',
    choices: [
      { label: "the SDK's, by the heap" },
      { label: '0', worker: { maxCachedWorkflows: 0 } },
      { label: '50', worker: { maxCachedWorkflows: 50 } },
    ],
  },
  {
    name: 'workflow-threads',
    title: 'threads for workflow code',
    choices: [{ label: "1 (the SDK's)" }, { label: '2', worker: { workflowThreadPoolSize: 2 } }],
  },
  {
    name: 'sticky-timeout',
    title: "sticky queue's time-out",
    choices: [
      { label: '1 s' },
      { label: "10 s (the SDK's)", worker: { stickyQueueScheduleToStartTimeout: '10s' } },
      { label: '200 ms', worker: { stickyQueueScheduleToStartTimeout: '200ms' } },
    ],
  },
  {
    name: 'eager-activities',
    title: "activities taken with a workflow task's reply",
    choices: [
      { label: "3 (the SDK's)" },
      { label: 'none', worker: { maxEagerActivityReservationsPerWorkflowTask: 0 } },
    ],
  },
  {
    name: 'eager-start',
    title: 'first workflow task with the reply to a start, client and worker in one process',
    choices: [
      { label: 'no', together: 'started' },
      { label: 'yes', together: 'started eagerly' },
    ],
  },
  {
    name: 'poll-limits',
    title: 'dev server: looks at its queues, a second at most',
    // the server saves up the looks of a second, and while the others have their turn
    isSlow: true,
    choices: [
      { label: '2000' },
      { label: "20 (the server's)", server: polls(20) },
      { label: '200', server: polls(200) },
    ],
  },
  {
    name: 'queue-notes',
    title: 'dev server: how often its queues note how far they are',
    choices: [{ label: '1 s' }, { label: "30 s (the server's)", server: acknowledged('30s') }],
  },
];
