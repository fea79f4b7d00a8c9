// What a record means, in plain words.

import { ago } from './dom.mjs';

/** @typedef {import('../../../job.js').JobRecord} JobRecord */

/** @type {Record<import('../../../job.js').ResultSource, string>} */
const SOURCES = {
  inference: 'The model answered.',
  recovered: 'Its answer was lost after it was paid for, and was fetched from the provider.',
  late: 'Its answer came late, and was taken all the same.',
  adopted: 'Somebody gave the answer.',
};

/**
 * One or two sentences: how the job stands, and what it waits for.
 *
 * @param {JobRecord} record
 * @returns {string}
 */
export function meaningOf(record) {
  const { status, doubt, refusal, error, source } = record;
  switch (status) {
    case 'PENDING':
      return refusal ? refused(refusal) : 'It waits for a worker.';
    case 'IN_PROGRESS':
      return refusal ? refused(refusal) : 'A worker has it; its call is under way.';
    case 'IN_DOUBT':
      return doubt?.recovering
        ? 'Its call may have been executed, and its answer is not here. The provider is being asked, or the policy decides; nothing to do yet.'
        : 'Nobody can know whether its call was executed, hence paid for. It waits for a decision.';
    case 'COMPLETED':
      return (source && SOURCES[source]) ?? 'It is done.';
    case 'FAILED':
      return error ? `${error.code}: ${error.message}` : 'It failed; no reason is on record.';
    case 'CANCELED':
      return 'It was canceled.';
    case 'FORGOTTEN':
      return 'It was forgotten: everything but its id is erased, and the id stays taken.';
  }
}

/** @param {import('../../../job.js').Refusal} refusal */
function refused({ reason, message, since, retry_at }) {
  return `The provider refuses its call at no cost (${reason}), first ${ago(new Date(since))}: ${message} The next try is at ${new Date(retry_at).toLocaleTimeString()}.`;
}

/**
 * The same for a line of a list; '' where the status says it all.
 *
 * @param {JobRecord} record
 */
export function noteOf({ doubt, refusal, error }) {
  if (doubt) return `${doubt.recovering ? 'being asked for' : 'waits for a decision'}: ${doubt.reason}`;
  if (refusal) return `${refusal.reason}: ${refusal.message}`;
  return error ? `${error.code}: ${error.message}` : '';
}

/** @param {number | null} usd */
export const costOf = (usd) => (usd === null ? 'unknown' : `$${Number(usd.toPrecision(3))}`);

/** @param {JobRecord['usage']} usage */
export function tokensOf(usage) {
  if (!usage) return 'unknown';
  const { input_tokens, cached_tokens, output_tokens, reasoning_tokens } = usage;
  const of = (/** @type {number | null} */ part, /** @type {string} */ name) =>
    part ? ` (${part} ${name})` : '';
  const read = `${input_tokens ?? 'unknown'} in${of(cached_tokens, 'cached')}`;
  return `${read}, ${output_tokens ?? 'unknown'} out${of(reasoning_tokens, 'reasoning')}`;
}
