import type { Context } from '@restatedev/restate-sdk';

/** The service of the submitter and its worker. */
export const RESTATE_SERVICE = 'calls';

/** As its client sees it. */
export interface CallService {
  call(context: Context, job: { id: string; prompt: string }): Promise<string>;
}
