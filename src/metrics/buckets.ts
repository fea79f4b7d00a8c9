/** Seconds of a call to a model: a cached word takes 50 ms, a long chain of thought minutes. */
export const CALL_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];

/** Seconds until a job is settled: its call, and what it waited for; a doubt may last a day. */
export const JOB_BUCKETS = [...CALL_BUCKETS, 1_800, 3_600, 21_600, 86_400];

/** Seconds in a queue, or of a request that waits: none when all is idle, hours behind a night's batch. */
export const WAIT_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600,
];

/** Seconds of one operation of the store: a local file's fraction of a millisecond to a lock that is waited for. */
export const STORE_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5,
];
