import type { Answer } from '../support/model';

/** What the workflow, its worker and who starts it have to agree on. */
export const BARE_QUEUE = 'bare';
export const BARE_WORKFLOW = 'bareJob';
/** As infer-once's default: a worker that died is missed after so long. */
export const HEARTBEAT_MS = 10_000;

export interface BareActivities {
  callModel(id: string, prompt: string): Promise<Answer>;
}
