import type { Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';

const { history, workflowservice } = temporal.api;

/** All that Temporal has of a job's latest run, as its bytes: events, memo, summary. */
export async function rawHistory(client: Client, workflowId: string): Promise<Buffer> {
  const found = await client.workflow.getHandle(workflowId).fetchHistory();
  const described = await client.workflowService.describeWorkflowExecution({
    namespace: client.options.namespace,
    execution: { workflowId },
  });
  return Buffer.concat([
    history.v1.History.encode(found).finish(),
    workflowservice.v1.DescribeWorkflowExecutionResponse.encode(described).finish(),
  ]);
}
