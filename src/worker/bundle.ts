import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../errors';
import { type Policy, ROOM_TO_SAVE_MS } from '../once/policy';
import type { TaskRegistry } from '../tasks/registry';
import type { WorkflowSettings } from '../workflows/contract';

/** The bundles are made by the build; the same path from the sources and from dist. */
const DIST = join(__dirname, '..', '..', 'dist');

/**
 * The workflow code, told this worker's times. They come by a global in front of the bundle, since
 * workflow code can't read the environment, and asking for them by an activity would cost each job one.
 *
 * @param isTraced - the same code with the interceptors that carry a trace through it
 */
export function loadWorkflowBundle(settings: WorkflowSettings, isTraced = false): { code: string } {
  const file = join(DIST, isTraced ? 'workflow-bundle-traced.js' : 'workflow-bundle.js');
  let code: string;
  try {
    code = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`The workflow bundle ${file} is missing; run npm run build.`, error);
  }
  // on the first line, so that the source map still fits
  return { code: `globalThis.INFER_ONCE_SETTINGS=${JSON.stringify(settings)};${code}` };
}

/** The time-outs of `infer`: a call's own, room to save its answer, and room to look things up. */
export function workflowSettingsOf(
  policy: Policy,
  heartbeatTimeoutMs: number,
  tasks: TaskRegistry,
  sealsFailures = false,
): WorkflowSettings {
  const startToClose = (callTimeoutMs: number) => ({ startToCloseMs: callTimeoutMs + 2 * ROOM_TO_SAVE_MS });
  const own = tasks.names().flatMap((name) => {
    const { callTimeoutMs } = tasks.get(name);
    return callTimeoutMs === undefined ? [] : [[name, startToClose(callTimeoutMs)] as const];
  });
  return {
    heartbeatTimeoutMs,
    ...startToClose(policy.callTimeoutMs),
    tasks: Object.fromEntries(own),
    sealsFailures,
  };
}
