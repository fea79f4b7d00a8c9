import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { proxyActivities, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { type BareActivities, HEARTBEAT_MS } from './bare-contract';

const { callModel } = proxyActivities<BareActivities>({
  startToCloseTimeout: '12 minutes',
  heartbeatTimeout: HEARTBEAT_MS,
});

/** The engine's floor: one activity, and the search attributes that infer-once sets. */
export async function bareJob(prompt: string): Promise<string> {
  const { text, model, tokens } = await callModel(workflowInfo().workflowId, prompt);
  upsertSearchAttributes([
    { key: defineSearchAttributeKey('JobTask', SearchAttributeType.KEYWORD), value: 'prompt' },
    { key: defineSearchAttributeKey('JobStatus', SearchAttributeType.KEYWORD), value: 'COMPLETED' },
    { key: defineSearchAttributeKey('JobModel', SearchAttributeType.KEYWORD), value: model },
    { key: defineSearchAttributeKey('JobTokens', SearchAttributeType.INT), value: tokens },
  ]);
  return text;
}
