// The page: asks for a key where the gateway wants one, and shows what the address names.

import { askJson, dropKey, keepKey, Refusal, storedKey } from './api.mjs';
import { el, faultPanel, fill, focusHeading } from './dom.mjs';
import { showJob } from './job.mjs';
import { showList } from './list.mjs';

/** @typedef {{ tenant: string | null, has_keys: boolean, tasks: string[], runs_url: string | null }} Settings */
/**
 * @typedef {object} View
 * @property {HTMLElement} main - what a view fills
 * @property {Settings} settings
 * @property {AbortSignal} signal - aborts when another view is shown
 * @property {() => void} redraw
 * @property {(error: unknown) => void} fail - for what a view met after it was shown
 */

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const main = part('view');

/** @type {{ settings: Settings | null, leave: AbortController }} */
const now = { settings: null, leave: new AbortController() };

/** Shows what the address names; a later call ends an earlier one. */
async function show() {
  now.leave.abort();
  now.leave = new AbortController();
  const { signal } = now.leave;
  /** @param {unknown} error */
  const fail = (error) => {
    if (signal.aborted) return;
    if (!(error instanceof Refusal)) throw error;
    if (error.status === 401) return askForKey(error);
    main.append(faultPanel({ title: error.title, sentence: error.message, again: show }));
  };
  try {
    if (!now.settings) fill(main, el('p', { role: 'status', className: 'soft' }, 'Loading…'));
    now.settings ??= await askJson('/page/settings', { signal });
    drawHeader();
    await showAddress({ main, settings: /** @type {Settings} */ (now.settings), signal, redraw: show, fail });
  } catch (error) {
    fail(error);
  }
}

/** @param {View} view */
function showAddress(view) {
  const [, path = '', query = ''] = /^#?([^?]*)\??(.*)$/.exec(location.hash) ?? [];
  const id = /^\/jobs\/([^/]+)$/.exec(path)?.[1];
  if (id !== undefined) return showJob(decoded(id), view);
  return showList(new URLSearchParams(query), view);
}

/**
 * An address that somebody cut off is no reason to fail; the gateway then says that there is no such job.
 *
 * @param {string} text
 */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function drawHeader() {
  const { has_keys = false, tenant = null } = now.settings ?? {};
  part('leave').hidden = !has_keys;
  part('tenant').hidden = tenant === null;
  fill(part('tenant'), 'Tenant ', el('strong', {}, tenant ?? ''));
}

/** @param {Refusal} refusal */
function askForKey(refusal) {
  const wasWrong = storedKey() !== null;
  forget();
  document.title = 'A key is needed · infer-once';
  const input = el('input', {
    ...{ id: 'key', name: 'key', type: 'password', required: true, autocomplete: 'off', spellcheck: false },
    ...{ className: 'mono' },
    'aria-describedby': 'key-hint',
  });
  const fault = el('p', { className: 'fault', role: 'alert' }, wasWrong && refusal.message);
  const form = el(
    'form',
    { className: 'panel key' },
    el('h2', { tabIndex: -1 }, 'A key is needed'),
    el('label', { for: 'key' }, 'API key'),
    el('div', { className: 'joined' }, input, el('button', { type: 'submit', className: 'strong' }, 'Open')),
    el(
      'p',
      { id: 'key-hint', className: 'soft' },
      'One of infer-once keys add. This tab keeps it until it is closed; it is stored nowhere else.',
    ),
    fault,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const key = input.value.trim();
    // what no header can carry
    if (!/^[\x21-\x7e]+$/.test(key)) {
      fault.textContent = 'This is no key: a key is letters, digits and signs without a space.';
      return;
    }
    keepKey(key);
    void show();
  });
  fill(main, form);
  input.focus();
}

function forget() {
  dropKey();
  now.settings = null;
  drawHeader();
}

part('skip').addEventListener('click', (event) => {
  // the address names what is shown
  event.preventDefault();
  main.focus();
});
part('leave').addEventListener('click', () => {
  forget();
  void show();
});
window.addEventListener('hashchange', async () => {
  void show();
  focusHeading();
});
void show();
