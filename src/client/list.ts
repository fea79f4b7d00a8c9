import type { Client } from '@temporalio/client';
import { ConfigError } from '../errors';
import type { JobRecord } from '../job';
import { WORKFLOW_TYPE } from '../job';
import type { ListFilter } from '../store/store';
import { guard } from './guard';
import { findRun, recordOfRun } from './runs';
import { hasSearchAttributes } from './search-attributes';

/**
 * Records of the jobs whose runs Temporal still has, newest first; for clients without a store.
 *
 * @throws ConfigError where the filter needs search attributes that the namespace has not
 */
export async function listRuns(client: Client, filter: ListFilter): Promise<JobRecord[]> {
  const clauses = [`WorkflowType = '${WORKFLOW_TYPE}'`];
  if (filter.status || filter.task) {
    if (!(await hasSearchAttributes(client))) {
      throw new ConfigError(
        'Listing by status or task without a store needs search attributes; run infer-once setup, or give the client the store.',
      );
    }
    if (filter.status) clauses.push(`JobStatus = '${filter.status}'`);
    if (filter.task) clauses.push(`JobTask = '${filter.task.replaceAll("'", "''")}'`);
  }
  const records: JobRecord[] = [];
  const limit = Math.min(filter.limit ?? 100, 1000);
  const runs = client.workflow.list({ query: clauses.join(' AND ') })[Symbol.asyncIterator]();
  const seen = new Set<string>();
  while (records.length < limit) {
    const next = await guard(runs.next());
    if (next.done) break;
    const key = next.value.workflowId;
    if (seen.has(key) || !belongsTo(key, filter.tenant)) continue;
    seen.add(key);
    const run = await findRun(client, key);
    const record = run && (await recordOfRun(client, key, run));
    if (record) records.push(record);
  }
  return records;
}

function belongsTo(key: string, tenant: string | null | undefined): boolean {
  if (tenant === undefined) return true;
  return tenant === null ? !key.includes('/') : key.startsWith(`${tenant}/`);
}
