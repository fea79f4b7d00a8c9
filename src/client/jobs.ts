import type { JobClient } from './job-client';

/**
 * What can be done with jobs wherever they are reached: by Temporal and the store (`JobClient`), or over a
 * gateway (`GatewayClient`).
 */
export type Jobs = Pick<
  JobClient,
  | 'submit'
  | 'run'
  | 'wait'
  | 'get'
  | 'list'
  | 'stats'
  | 'retry'
  | 'cancel'
  | 'resolve'
  | 'forget'
  | 'whyWaiting'
>;
