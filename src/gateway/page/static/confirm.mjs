// Asks before something that costs or can't be undone. The dialog is the browser's own: it keeps the focus in,
// takes Escape for "no" and gives the focus back.

import { el } from './dom.mjs';

/**
 * @param {{ title: string, text: string, yes: string, no?: string }} question - `yes` names what will be done
 * @param {AbortSignal} signal - another view is shown: the question is not asked any more
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, yes, no = 'Back' }, signal) {
  const dialog = el(
    'dialog',
    { 'aria-labelledby': 'confirm-title', 'aria-describedby': 'confirm-text' },
    el(
      'form',
      { method: 'dialog' },
      el('h2', { id: 'confirm-title' }, title),
      el('p', { id: 'confirm-text' }, text),
      el(
        'div',
        { className: 'buttons' },
        el('button', { type: 'submit', value: 'no' }, no),
        el('button', { type: 'submit', value: 'yes', className: 'strong' }, yes),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((done) => {
    signal.addEventListener('abort', () => dialog.close('no'), { once: true });
    dialog.addEventListener('close', () => {
      dialog.remove();
      done(dialog.returnValue === 'yes');
    });
  });
}
