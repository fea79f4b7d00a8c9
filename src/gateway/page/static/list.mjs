// The jobs, newest change first, a page at a time.

import { askJson } from './api.mjs';
import { el, fill } from './dom.mjs';
import { jobHref, jobTable } from './table.mjs';

/** @typedef {import('../../../job.js').JobRecord} JobRecord */
/** @typedef {import('./main.mjs').View} View */
/** @typedef {{ records: JobRecord[], cursor: string | null, corrupt: { job_id: string, message: string }[] }} Page */

const STATUSES = ['PENDING', 'IN_PROGRESS', 'IN_DOUBT', 'COMPLETED', 'FAILED', 'CANCELED', 'FORGOTTEN'];
const PAGE_SIZE = 50;

/** @param {Record<string, string | null>} wanted */
function listHref(wanted) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(wanted)) if (value) query.set(name, value);
  return `#/${query.size > 0 ? `?${query}` : ''}`;
}

/**
 * @param {URLSearchParams} query - of the address: `status`, `task`, `cursor`
 * @param {View} view
 */
export async function showList(query, { main, settings, signal, redraw }) {
  const [status, task, cursor] = [query.get('status'), query.get('task'), query.get('cursor')];
  document.title = `${status ?? 'Jobs'} · infer-once`;
  const told = el('p', { role: 'status', className: 'soft' }, 'Loading…');
  const table = el('div', { 'aria-busy': 'true' });
  fill(
    main,
    el('h2', { tabIndex: -1 }, 'Jobs'),
    statusLinks(status, task),
    el('div', { className: 'bar' }, taskForm(status, task, settings.tasks), idForm()),
    el('div', { className: 'bar told' }, told, refreshButton(redraw)),
    table,
  );
  const asked = new URLSearchParams({ limit: String(PAGE_SIZE) });
  for (const name of ['status', 'task', 'cursor']) {
    const value = query.get(name);
    if (value) asked.set(name, value);
  }
  try {
    /** @type {Page} */
    const page = await askJson(`/v1/jobs?${asked}`, { signal });
    told.textContent = summaryOf(page, { status, task, cursor });
    fill(
      table,
      page.corrupt.length > 0 && corruptPart(page.corrupt),
      page.records.length > 0 && jobTable(page.records),
      pageLinks({ status, task, cursor }, page.cursor),
    );
  } catch (error) {
    told.textContent = '';
    throw error;
  } finally {
    table.removeAttribute('aria-busy');
  }
}

/** @param {() => void} redraw */
function refreshButton(redraw) {
  const onclick = () => {
    redraw();
    // whoever pressed it may press it again
    document.getElementById('refresh')?.focus();
  };
  return el('button', { type: 'button', id: 'refresh', className: 'small', onclick }, 'Refresh');
}

/**
 * @param {Page} page
 * @param {{ status: string | null, task: string | null, cursor: string | null }} wanted
 */
function summaryOf({ records, corrupt }, { status, task, cursor }) {
  const count = records.length;
  const which = `${task ? ` of task ${task}` : ''}${status ? ` that ${count === 1 ? 'is' : 'are'} ${status}` : ''}`;
  if (count > 0)
    return `${count} ${count === 1 ? 'job' : 'jobs'}${which}, as of ${new Date().toLocaleTimeString()}.`;
  if (cursor) return `No more jobs${which}.`;
  if (corrupt.length > 0) return `No job${which} can be read.`;
  return status || task
    ? `There are no jobs${which}.`
    : 'There are no jobs yet. Submit one: infer-once run enrich --id film-1 --input \'{"title": "alien (1979)"}\'';
}

/**
 * @param {string | null} chosen
 * @param {string | null} task
 */
function statusLinks(chosen, task) {
  const link = (/** @type {string | null} */ status) =>
    el(
      'a',
      { href: listHref({ status, task }), 'aria-current': status === chosen ? 'page' : null },
      status ?? 'All',
    );
  return el('nav', { 'aria-label': 'Status', className: 'tabs' }, link(null), ...STATUSES.map(link));
}

/**
 * @param {string | null} status
 * @param {string | null} task
 * @param {string[]} tasks
 */
function taskForm(status, task, tasks) {
  const input = el('input', {
    id: 'task',
    name: 'task',
    value: task ?? '',
    list: 'tasks',
    size: 18,
    spellcheck: false,
  });
  const options = el('datalist', { id: 'tasks' }, ...tasks.map((name) => el('option', { value: name })));
  return lineForm('Filter by task', el('label', { for: 'task' }, 'Task'), [input, options], 'Filter', () =>
    listHref({ status, task: input.value.trim() }),
  );
}

function idForm() {
  const input = el('input', {
    ...{ id: 'job-id', name: 'job-id', className: 'mono', required: true, maxLength: 255, size: 22 },
    ...{ spellcheck: false, autocomplete: 'off' },
  });
  return lineForm('Open a job', el('label', { for: 'job-id' }, 'Job id'), [input], 'Open', () =>
    jobHref(input.value.trim()),
  );
}

/**
 * @param {string} name
 * @param {HTMLElement} label
 * @param {HTMLElement[]} parts
 * @param {string} verb
 * @param {() => string} href - where it leads
 */
function lineForm(name, label, parts, verb, href) {
  const form = el(
    'form',
    { role: 'search', 'aria-label': name },
    label,
    el('div', { className: 'joined' }, ...parts, el('button', { type: 'submit' }, verb)),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = href();
  });
  return form;
}

/** @param {Page['corrupt']} corrupt */
function corruptPart(corrupt) {
  const items = corrupt.map(({ job_id, message }) =>
    el('li', {}, el('span', { className: 'mono' }, job_id), ': ', message),
  );
  return el(
    'section',
    { className: 'panel bad', role: 'alert' },
    el('h3', {}, 'Records that can not be read'),
    el('ul', {}, ...items),
  );
}

/**
 * @param {{ status: string | null, task: string | null, cursor: string | null }} wanted
 * @param {string | null} next
 */
function pageLinks({ status, task, cursor }, next) {
  if (!cursor && !next) return null;
  return el(
    'nav',
    { 'aria-label': 'Pages of the list', className: 'bar pages' },
    cursor && el('a', { href: listHref({ status, task }) }, '← Newest'),
    next && el('a', { href: listHref({ status, task, cursor: next }) }, 'Older →'),
  );
}
