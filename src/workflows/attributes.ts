import {
  defineSearchAttributeKey,
  type SearchAttributePair,
  SearchAttributeType,
  type SearchAttributeUpdatePair,
} from '@temporalio/common';
import type { JobRecord } from '../job';

const JOB_TASK = defineSearchAttributeKey('JobTask', SearchAttributeType.KEYWORD);
const JOB_STATUS = defineSearchAttributeKey('JobStatus', SearchAttributeType.KEYWORD);
const JOB_MODEL = defineSearchAttributeKey('JobModel', SearchAttributeType.KEYWORD);
const JOB_TOKENS = defineSearchAttributeKey('JobTokens', SearchAttributeType.INT);
const JOB_COST = defineSearchAttributeKey('JobCostUsd', SearchAttributeType.DOUBLE);

/** Every search attribute of a job's run, with its type; what `setup` registers. */
export const SEARCH_ATTRIBUTES = [JOB_TASK, JOB_STATUS, JOB_MODEL, JOB_TOKENS, JOB_COST];

/** Temporal's numbers for the types of ours (`IndexedValueType`). */
const TYPE_NUMBERS: Readonly<Record<string, number>> = { KEYWORD: 2, INT: 3, DOUBLE: 4 };

/** The number by which Temporal's API knows the type of a search attribute of ours. */
export function typeNumber({ type }: { type: string }): number {
  return TYPE_NUMBERS[type]!;
}

/** What a client sets at the start, where the namespace has the attributes. */
export function startAttributes(task: string): SearchAttributePair[] {
  return [
    { key: JOB_TASK, value: task },
    { key: JOB_STATUS, value: 'PENDING' },
  ];
}

/** What the run says of its record. Unknown facts are left unset. */
export function recordAttributes(record: JobRecord): SearchAttributeUpdatePair[] {
  const { input_tokens, output_tokens } = record.usage ?? {};
  const pairs: SearchAttributeUpdatePair[] = [
    { key: JOB_TASK, value: record.task },
    { key: JOB_STATUS, value: record.status },
  ];
  if (record.model) pairs.push({ key: JOB_MODEL, value: record.model });
  if (input_tokens != null && output_tokens != null) {
    pairs.push({ key: JOB_TOKENS, value: input_tokens + output_tokens });
  }
  if (record.cost_usd != null) pairs.push({ key: JOB_COST, value: record.cost_usd });
  return pairs;
}
