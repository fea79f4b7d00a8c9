// Records as rows. The roles are said: without columns (page.css) a browser may take a row for no row.

import { ago, chip, el, when } from './dom.mjs';
import { costOf, noteOf } from './words.mjs';

/** @typedef {import('../../../job.js').JobRecord} JobRecord */

/** @param {string} id */
export const jobHref = (id) => `#/jobs/${encodeURIComponent(id)}`;

/** Left out where there is no room for them; the job's own view has them. */
const WIDE = ['Task', 'Billed', 'Cost'];

/** @param {JobRecord[]} records */
export function jobTable(records) {
  const heads = ['Job', 'Status', 'Task', 'Billed', 'Cost', 'Changed'].map((name) =>
    el(
      'th',
      { role: 'columnheader', scope: 'col', className: WIDE.includes(name) ? 'wide' : undefined },
      name,
    ),
  );
  return el(
    'table',
    { role: 'table' },
    el('caption', { className: 'unseen' }, 'Jobs, newest change first'),
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, ...heads)),
    el('tbody', { role: 'rowgroup' }, ...records.map(rowOf)),
  );
}

/** @param {JobRecord} record */
function rowOf(record) {
  const { job_id, status, task, billed, cost_usd, updated_at } = record;
  const note = noteOf(record);
  const cell = (/** @type {string | undefined} */ className, /** @type {Node | string} */ child) =>
    el('td', { role: 'cell', className }, child);
  return el(
    'tr',
    { role: 'row' },
    el(
      'th',
      { role: 'rowheader', scope: 'row' },
      el('a', { href: jobHref(job_id), className: 'mono' }, job_id),
      note && el('p', { className: 'note soft' }, note),
    ),
    cell(undefined, chip(status)),
    cell('wide', task),
    cell('wide', billed),
    cell('wide number', costOf(cost_usd)),
    cell('soft', when(updated_at, ago)),
  );
}
