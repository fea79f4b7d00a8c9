// Builds elements. What jobs and people wrote is set as text only, never as markup.

/**
 * An element with properties, attributes (a name with a dash, `role`, `for`, `list`) and children.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, unknown>} [props]
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function el(name, props = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (/-|^(role|for|list)$/.test(key)) node.setAttribute(key, String(value));
    else Object.assign(node, { [key]: value });
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/**
 * Puts others in place of a part's children. Who had the focus in it is not thrown out of the page.
 *
 * @param {HTMLElement} part
 * @param {...(Node | string | null | false | undefined)} children
 */
export function fill(part, ...children) {
  const hadFocus = part.contains(document.activeElement);
  part.replaceChildren(
    ...children.filter((child) => child !== null && child !== undefined && child !== false),
  );
  if (hadFocus && !part.contains(document.activeElement)) focusHeading();
}

/** The view's heading: where a reader of the screen goes on after a change of view. */
export function focusHeading() {
  /** @type {HTMLElement | null} */ (document.querySelector('main h2'))?.focus();
}

/**
 * A status as a word, a sign and a colour.
 *
 * @param {string} status
 */
export const chip = (status) => el('span', { className: `chip ${status}` }, status);

/**
 * A time in the reader's own way; its exact text is at hand as the title.
 *
 * @param {string | null} iso
 * @param {(at: Date) => string} [tell]
 */
export function when(iso, tell = (at) => at.toLocaleString()) {
  if (!iso) return 'not yet';
  return el('time', { dateTime: iso, title: iso }, tell(new Date(iso)));
}

const UNITS = /** @type {const} */ ([
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]);

/**
 * How long ago, e.g. `3min ago`.
 *
 * @param {Date} at
 */
export function ago(at) {
  const seconds = Math.min(0, Math.round((at.getTime() - Date.now()) / 1000));
  const [unit, size] = UNITS.find(([, size]) => -seconds >= size) ?? ['second', 1];
  return new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'narrow' }).format(
    Math.trunc(seconds / size),
    unit,
  );
}

/**
 * A panel that says what went wrong, to eyes and screen readers alike.
 *
 * @param {{ title: string, sentence: string, again?: () => void }} fault
 */
export function faultPanel({ title, sentence, again }) {
  const button = again && el('button', { type: 'button', onclick: again }, 'Try again');
  return el(
    'section',
    { className: 'panel bad', role: 'alert' },
    el('h3', {}, title),
    el('p', {}, sentence),
    button,
  );
}
