// What a record holds, as it is.

import { el, when } from './dom.mjs';
import { costOf, tokensOf } from './words.mjs';

/** @typedef {import('../../../job.js').JobRecord} JobRecord */

/** @param {JobRecord} record */
export function factsOf(record) {
  return el('div', {}, resultPart(record), decisionsPart(record), recordPart(record));
}

/** @param {JobRecord} record */
function resultPart({ status, result, result_ref }) {
  if (status !== 'COMPLETED') return null;
  const text = result_ref
    ? `Too large to show; it is in the store as ${result_ref}.`
    : JSON.stringify(result, null, 2);
  return part('Result', el('pre', { tabIndex: 0, role: 'region', 'aria-label': 'Result' }, text));
}

/** @param {JobRecord} record */
function decisionsPart({ decisions }) {
  if (decisions.length === 0) return null;
  const items = decisions.map(({ action, doubt, by, at }) =>
    el('li', {}, `Doubt ${doubt}: `, el('strong', {}, action), ` by ${by}, `, when(at)),
  );
  return part('Decisions', el('ul', { className: 'plain' }, ...items));
}

/** @param {JobRecord} record */
function recordPart(record) {
  const { task, task_version, attempts, late_results } = record;
  const facts = [
    ['Task', task_version === null ? task : `${task}, version ${task_version}`],
    ['Billed', record.billed],
    ['Attempts', String(attempts)],
    ['Cost', costOf(record.cost_usd)],
    ['Tokens', tokensOf(record.usage)],
    ['Model', record.model ?? 'none'],
    ['Source', record.source ?? 'none'],
    ['Late answers', late_results > 0 ? `${late_results}, kept beside the record` : null],
    ['Created', when(record.created_at)],
    ['Sent', when(record.sent_at)],
    ['Changed', when(record.updated_at)],
    ['Settled', when(record.completed_at)],
    ['Request id', record.request_id && mono(record.request_id)],
    ['Fencing token', String(record.token)],
    ['Input digest', record.input_digest && mono(record.input_digest)],
  ];
  const rows = facts
    .filter(([, fact]) => fact !== null && fact !== '')
    .map(([name, fact]) => {
      const className = name === 'Input digest' ? 'whole' : undefined;
      return el('div', { className }, el('dt', {}, name), el('dd', {}, fact));
    });
  return part('Record', el('dl', {}, ...rows));
}

/** @param {string} text */
const mono = (text) => el('span', { className: 'mono' }, text);

/**
 * @param {string} title
 * @param {...HTMLElement} children
 */
const part = (title, ...children) => el('section', {}, el('h3', {}, title), ...children);
