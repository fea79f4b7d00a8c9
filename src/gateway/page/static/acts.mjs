// What can be done with a job beside a decision, and what is asked before it is done.

/** @typedef {import('../../../job.js').JobRecord} JobRecord */
/** @typedef {'cancel' | 'retry'} Act */

/** @type {Record<Act, string>} */
export const ACT_NAMES = { cancel: 'Cancel…', retry: 'Retry…' };

/**
 * @param {JobRecord['status']} status
 * @returns {Act | null}
 */
export function actOf(status) {
  if (status === 'PENDING' || status === 'IN_PROGRESS' || status === 'IN_DOUBT') return 'cancel';
  return status === 'FAILED' || status === 'CANCELED' ? 'retry' : null;
}

/**
 * @param {Act} act
 * @param {JobRecord} record
 */
export function questionOf(act, { job_id, billed, status }) {
  if (act === 'cancel') {
    const isFree = status === 'PENDING' && billed === 'no';
    const text = isFree ? 'Nothing was paid for it yet.' : 'What it has called may be paid for all the same.';
    return { title: `Cancel ${job_id}?`, text, yes: 'Cancel the job', no: 'Let it go on' };
  }
  const text =
    billed === 'no'
      ? 'Nothing was paid for it yet; this calls the model.'
      : 'It may have been paid for already; this may pay again.';
  return { title: `Run ${job_id} again?`, text, yes: 'Run it again', no: 'Leave it' };
}
