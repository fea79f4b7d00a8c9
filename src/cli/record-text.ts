import type { JobRecord, Refusal } from '../job';
import { cleanText, formatAge, formatTable, prettyJson } from './output';

/** One job, for people. */
export function describeRecord(record: JobRecord, now = Date.now()): string {
  const lines = [
    `${record.job_id}  ${record.status}  ${record.task}${record.task_version ? ` v${record.task_version}` : ''}`,
    `  billed ${record.billed}, ${countOf(record.attempts, 'attempt')}${describeCost(record)}`,
    `  created ${record.created_at}, changed ${formatAge(now - Date.parse(record.updated_at))} ago`,
  ];
  if (record.error) lines.push(`  error ${record.error.code}: ${cleanText(record.error.message)}`);
  if (record.refusal) lines.push(`  waits: ${describeRefusal(record.refusal, now)}`);
  if (record.doubt) lines.push(...describeDoubt(record));
  if (record.late_results > 0) lines.push(`  ${countOf(record.late_results, 'late result')} kept beside it`);
  for (const { action, by, at } of record.decisions) lines.push(`  ${action} by ${cleanText(by)} at ${at}`);
  if (record.status === 'COMPLETED') {
    const result = record.result_ref ? `in the store as ${record.result_ref}` : prettyJson(record.result);
    lines.push(`  result (${record.source ?? 'of unknown source'}) ${result.replaceAll('\n', '\n  ')}`);
  }
  return lines.join('\n');
}

/** The line under a result, for people: what it cost and where it came from. */
export function describeOutcome(record: JobRecord, replayed: boolean): string {
  const how = replayed ? 'replayed, nothing was called' : `${record.source}`;
  return `${record.job_id} ${record.status} (${how}), billed ${record.billed}${describeCost(record)}`;
}

/** Many jobs, for people. */
export function describeRecords(records: JobRecord[], now = Date.now()): string {
  const head = ['ID', 'STATUS', 'TASK', 'AGE', 'BILLED', 'NOTE'];
  const rows = records.map((record) => [
    record.job_id,
    record.status,
    record.task,
    formatAge(now - Date.parse(record.created_at)),
    record.billed,
    noteOf(record, now),
  ]);
  return formatTable(head, rows, ['AGE']);
}

function noteOf({ doubt, refusal, error }: JobRecord, now: number): string {
  if (doubt) {
    const state = doubt.recovering ? ', being asked for' : '';
    return `doubt ${doubt.token}, ${formatAge(now - Date.parse(doubt.since))}${state}: ${doubt.reason}`;
  }
  if (refusal) return `${refusal.reason}: ${describeRefusal(refusal, now)}`;
  return error ? `${error.code}: ${error.message}`.slice(0, 80) : '';
}

function describeRefusal({ message, since, retry_at }: Refusal, now: number): string {
  const left = Date.parse(retry_at) - now;
  const next = left > 0 ? `again in ${formatAge(left)}` : 'again as soon as a worker is free';
  return `${cleanText(message)} For ${formatAge(now - Date.parse(since))} now, ${next}.`;
}

function describeDoubt({ job_id, doubt, late_results }: JobRecord): string[] {
  const { token, since, reason, recovering } = doubt!;
  const head = `  doubt ${token} since ${since}: ${cleanText(reason)}`;
  if (recovering) return [head, '  the provider is being asked, or the policy decides; nothing to do yet'];
  const late = late_results > 0 ? ' | --adopt-late' : '';
  return [head, `  settle it: infer-once resolve ${job_id} --rerun | --adopt FILE${late} | --abandon`];
}

function describeCost({ model, usage, cost_usd }: JobRecord): string {
  const parts = [
    model && cleanText(model),
    usage && `${usage.input_tokens ?? '?'} tokens in, ${usage.output_tokens ?? '?'} out`,
    cost_usd !== null && `$${cost_usd.toPrecision(3)}`,
  ].filter(Boolean);
  return parts.length > 0 ? `; ${parts.join(', ')}` : '';
}

/** A number with its noun: `1 job`, `3 jobs`. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
