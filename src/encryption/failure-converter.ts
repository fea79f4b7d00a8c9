import { DefaultFailureConverter } from '@temporalio/common';

/** Failures' messages and stack traces become payloads, which the codec seals; Temporal loads it by its path. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
