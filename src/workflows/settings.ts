import type { WorkflowSettings } from './contract';

const DEFAULTS: WorkflowSettings = { heartbeatTimeoutMs: 10_000, startToCloseMs: 12 * 60_000, tasks: {} };

/**
 * The settings of the worker that runs this code. They set time-outs only, which are no part of what
 * replay compares; so a worker with other settings replays the same history.
 */
export function workflowSettings(): WorkflowSettings {
  return (globalThis as { INFER_ONCE_SETTINGS?: WorkflowSettings }).INFER_ONCE_SETTINGS ?? DEFAULTS;
}
