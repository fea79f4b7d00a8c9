import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { proxyActivities, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { type BareActivities, HEARTBEAT_MS } from './bare-contract';

const { callModel } = proxyActivities<BareActivities>({
  startToCloseTimeout: '12 minutes',
  heartbeatTimeout: HEARTBEAT_MS,
});

/** Any price: a price list is infer-once's own work, a fact to be indexed is the engine's. */
const USD_A_TOKEN = 0.000_000_4;

/** The engine's floor: one activity, and the search attributes that infer-once sets. */
export async function bareJob(prompt: string): Promise<string> {
  const { text, model, tokens } = await callModel(workflowInfo().workflowId, prompt);
  upsertSearchAttributes([
    { key: defineSearchAttributeKey('JobTask', SearchAttributeType.KEYWORD), value: 'prompt' },
    { key: defineSearchAttributeKey('JobStatus', SearchAttributeType.KEYWORD), value: 'COMPLETED' },
    { key: defineSearchAttributeKey('JobModel', SearchAttributeType.KEYWORD), value: model },
    { key: defineSearchAttributeKey('JobTokens', SearchAttributeType.INT), value: tokens },
    { key: defineSearchAttributeKey('JobCostUsd', SearchAttributeType.DOUBLE), value: tokens * USD_A_TOKEN },
  ]);
  return text;
}
