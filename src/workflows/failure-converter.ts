import { DefaultFailureConverter } from '@temporalio/common';
import { workflowSettings } from './settings';

/** Part of the bundle: with encryption on, failures' messages are payloads, which the worker's codec seals. */
export const failureConverter = new DefaultFailureConverter({
  encodeCommonAttributes: workflowSettings().sealsFailures ?? false,
});
