// The form that settles a doubt. It stays as it is for as long as the doubt does, whatever else changes.

import { askJson, jobPath, Refusal } from './api.mjs';
import { el, fill, when } from './dom.mjs';

/** @typedef {import('../../../job.js').JobRecord} JobRecord */

const BY = 'infer-once.by';

/** The name and the effect of each action; the late answer's only where there is one. */
const ACTIONS = [
  ['rerun', 'Run it again', 'One more call; if the first one was executed, it is paid for twice.'],
  ['adopt', 'Give the answer', 'You know it, e.g. from the provider’s own log. Nothing is called.'],
  [
    'adopt_late',
    'Take the late answer',
    'One came too late and is kept beside the record. Nothing is called.',
  ],
  ['abandon', 'Give it up', 'The job is FAILED, and stays so unless somebody retries it.'],
];

/**
 * @param {JobRecord} record - in doubt
 * @param {(record: JobRecord) => void} settled - told of the record after the decision
 * @param {HTMLElement} outside - says why a decision was refused whose form is gone, with the doubt
 */
export function doubtPart(record, settled, outside) {
  const { token, since, reason } = record.doubt ?? { token: 0, since: null, reason: '' };
  return el(
    'section',
    { className: 'panel warn', 'aria-labelledby': 'doubt-title' },
    el('h3', { id: 'doubt-title' }, `Doubt ${token}: was the call executed?`),
    el('p', {}, 'Since ', when(since), '. Why: ', reason),
    new DecisionForm(record, settled, outside).form,
  );
}

class DecisionForm {
  answer = el('textarea', {
    ...{ id: 'answer', rows: 4, spellcheck: false, className: 'mono', 'aria-describedby': 'answer-hint' },
  });
  answerPart = field(this.answer, 'The answer, as JSON', 'It is checked against the task’s schema.');
  by = el('input', {
    ...{ id: 'by', required: true, pattern: '.*\\S.*', maxLength: 255, autocomplete: 'username' },
    ...{ value: sessionStorage.getItem(BY) ?? '', 'aria-describedby': 'by-hint' },
  });
  fault = el('p', { className: 'fault', role: 'alert' });
  button = el('button', { type: 'submit', className: 'strong' });
  isSending = false;

  /**
   * @param {JobRecord} record
   * @param {(record: JobRecord) => void} settled
   * @param {HTMLElement} outside
   */
  constructor({ job_id, doubt, late_results }, settled, outside) {
    this.path = jobPath(job_id, '/resolve');
    this.token = doubt?.token;
    this.settled = settled;
    this.outside = outside;
    const offered = ACTIONS.filter(([action]) => action !== 'adopt_late' || late_results > 0);
    this.form = el(
      'form',
      {},
      el('fieldset', {}, el('legend', {}, 'Decision'), ...offered.map(choice)),
      this.answerPart,
      field(this.by, 'Decided by', 'Your name; it is kept in the job’s record.'),
      this.fault,
      el('div', { className: 'buttons' }, this.button),
    );
    this.form.addEventListener('change', () => this.draw());
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (!this.isSending) void this.submit();
    });
    this.draw();
  }

  get action() {
    return new FormData(this.form).get('action');
  }

  draw() {
    this.answerPart.hidden = this.action !== 'adopt';
    this.answer.required = this.action === 'adopt';
    this.button.textContent = this.isSending ? 'Settling…' : `Settle doubt ${this.token}`;
    // not `disabled`: that would take the focus away
    this.button.setAttribute('aria-disabled', String(this.isSending));
  }

  async submit() {
    const isJson = this.action !== 'adopt' || isJsonText(this.answer.value);
    this.answer.setAttribute('aria-invalid', String(!isJson));
    fill(this.fault, !isJson && 'The answer is not JSON; a text goes in double quotes.');
    if (!isJson) return this.answer.focus();
    sessionStorage.setItem(BY, this.by.value.trim());
    this.isSending = true;
    this.draw();
    try {
      this.settled(await askJson(this.path, { method: 'POST', json: this.json() }));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const isOpen = error.status === 0 || error.status === 503;
      const remedy = isOpen ? ' It may have taken the decision; sent again, it counts once.' : '';
      fill(this.form.isConnected ? this.fault : this.outside, `${error.title}. ${error.message}${remedy}`);
    } finally {
      this.isSending = false;
      this.draw();
    }
  }

  json() {
    const decision = JSON.stringify({ action: this.action, doubt: this.token, by: this.by.value.trim() });
    // the answer goes out as it was written: no number is rounded on its way through here
    return this.action === 'adopt' ? `${decision.slice(0, -1)},"result":${this.answer.value}}` : decision;
  }
}

/**
 * @param {HTMLInputElement | HTMLTextAreaElement} input
 * @param {string} name
 * @param {string} hint
 */
function field(input, name, hint) {
  const [label, told] = [
    el('label', { for: input.id }, name),
    el('p', { id: `${input.id}-hint`, className: 'soft' }, hint),
  ];
  return el('div', { className: 'field' }, label, input, told);
}

/** @param {string[]} action */
function choice([action = '', name = '', effect = '']) {
  const id = `action-${action}`;
  return el(
    'div',
    { className: 'choice' },
    el('input', {
      type: 'radio',
      id,
      name: 'action',
      value: action,
      required: true,
      'aria-describedby': `${id}-effect`,
    }),
    el('label', { for: id }, name),
    el('p', { id: `${id}-effect`, className: 'soft' }, effect),
  );
}

/** @param {string} text */
function isJsonText(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
