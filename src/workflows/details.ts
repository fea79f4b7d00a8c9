import type { JobArgument, JobRecord } from '../job';

/** The line that Temporal UI shows of a run: what it waits for and, in doubt, how to settle it. */
export function describeProgress(arg: JobArgument, record: JobRecord | null): string {
  if (record?.status === 'IN_PROGRESS') return `**${arg.task}**: the model is working on it`;
  if (record?.status !== 'IN_DOUBT' || !record.doubt) return `**${arg.task}**: waits for its one call`;
  const { token, since, reason, recovering } = record.doubt;
  const head = `**${arg.task}**: IN DOUBT since ${since}: ${reason}.`;
  if (recovering)
    return `${head} The provider is being asked, or the job's policy decides; nothing to do yet.`;
  const update = (action: string) => `\`{"action": "${action}", "doubt": ${token}, "by": "you"}\``;
  return [
    head,
    'Nobody can know whether the call was paid for. Settle it by the update `resolve` with',
    `${update('rerun')} (may pay twice) or ${update('abandon')},`,
    `or by \`infer-once resolve ${record.job_id} --rerun | --adopt FILE | --abandon\`.`,
  ].join(' ');
}

/** The last line: how it ended. */
export function describeEnd(record: JobRecord): string {
  const how = record.error ? `${record.error.code}: ${record.error.message}` : (record.source ?? '');
  const model = record.model ? `, ${record.model}` : '';
  return `**${record.task}**: ${record.status} (${how}${model}), billed: ${record.billed}`;
}
