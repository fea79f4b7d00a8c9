// One job, live.

import { ACT_NAMES, actOf, questionOf } from './acts.mjs';
import { askJson, jobPath, Refusal } from './api.mjs';
import { confirmed } from './confirm.mjs';
import { doubtPart } from './decide.mjs';
import { chip, el, faultPanel, fill } from './dom.mjs';
import { follow } from './events.mjs';
import { factsOf } from './facts.mjs';
import { meaningOf } from './words.mjs';

/** @typedef {import('../../../job.js').JobRecord} JobRecord */
/** @typedef {import('./main.mjs').View} View */

/** @type {Record<import('./events.mjs').Connection, string>} */
const CONNECTIONS = {
  connecting: 'Connecting…',
  live: 'Live',
  lost: 'Not live; trying again…',
  ended: 'Settled',
};

/** No time mends these: the id can't be one, nothing is known of it, or it was forgotten. */
const FINAL = [400, 404, 410];

/**
 * @param {string} id
 * @param {View} view
 */
export function showJob(id, view) {
  document.title = `${id} · infer-once`;
  return new JobView(id, view).live();
}

class JobView {
  status = el('p', { 'aria-live': 'polite', 'aria-atomic': 'true' });
  meaning = el('p', { className: 'lead' });
  doubt = el('div');
  buttons = el('div', { className: 'buttons' });
  // outlives the button or form that asked: what it was about may be over by the time it is refused
  fault = el('p', { className: 'fault', role: 'alert' });
  body = el('div');
  /** @type {JobRecord | null} */
  record = null;
  connection = CONNECTIONS.connecting;
  /** What is on view in `doubt` and `buttons`; they are left alone while it stays. */
  drawn = { doubt: '', status: '' };
  /** @type {number | null} the token of the settled record that a retry was asked for */
  retriedFrom = null;
  isFollowing = false;

  /**
   * @param {string} id
   * @param {View} view
   */
  constructor(id, view) {
    this.id = id;
    this.view = view;
    fill(
      view.main,
      el('p', { className: 'crumb' }, el('a', { href: '#/' }, '← Jobs')),
      el('h2', { className: 'mono', tabIndex: -1 }, id),
      ...[this.status, this.meaning, this.doubt, this.buttons, this.fault, this.body],
    );
    this.drawStatus();
  }

  /** Shows the job until it is settled, or the view is left. */
  async live() {
    if (this.isFollowing) return;
    this.isFollowing = true;
    try {
      await follow(this.id, this, this.view.signal);
    } catch (error) {
      this.failed(error);
    } finally {
      this.isFollowing = false;
    }
  }

  /** @param {unknown} error */
  failed(error) {
    if (!(error instanceof Refusal) || error.status === 401) return this.view.fail(error);
    if (this.view.signal.aborted) return;
    this.connection = 'Not live';
    this.drawStatus();
    const again = FINAL.includes(error.status) ? undefined : this.view.redraw;
    fill(this.body, faultPanel({ title: error.title, sentence: error.message, again }));
  }

  /**
   * @param {import('./events.mjs').Connection} connection
   * @param {string} [why]
   */
  onConnection(connection, why) {
    this.connection = why ? `${why}; trying again…` : CONNECTIONS[connection];
    this.drawStatus();
  }

  /** True where the settled record is about to be opened again. */
  goesOn() {
    return this.retriedFrom !== null;
  }

  /** @param {JobRecord} record */
  onRecord(record) {
    if (this.view.signal.aborted) return;
    // an answer to a request may be older than what the stream has told meanwhile
    if (this.record && record.token < this.record.token) return;
    this.record = record;
    if (this.retriedFrom !== null && record.token > this.retriedFrom) this.retriedFrom = null;
    document.title = `${record.status} ${this.id} · infer-once`;
    this.drawStatus();
    fill(this.meaning, meaningOf(record));
    this.drawDoubt(record);
    if (this.drawn.status !== record.status) this.drawButtons(record);
    fill(this.body, factsOf(record));
  }

  drawStatus() {
    const state = this.goesOn() ? 'Asked to run again; a worker has yet to take it' : this.connection;
    const said = `${this.record?.status ?? ''} ${state}`;
    // what did not change is not read out again
    if (this.status.textContent === said) return;
    fill(this.status, this.record && chip(this.record.status), ' ', el('span', { className: 'soft' }, state));
  }

  /** @param {JobRecord} record */
  drawDoubt(record) {
    const doubt = record.doubt ? `${record.doubt.token} ${record.late_results > 0}` : '';
    if (this.drawn.doubt === doubt) return;
    this.drawn.doubt = doubt;
    const settled = (/** @type {JobRecord} */ after) => this.onRecord(after);
    fill(this.doubt, record.doubt && doubtPart(record, settled, this.fault));
  }

  /** @param {JobRecord} record */
  drawButtons(record) {
    this.drawn.status = record.status;
    const act = actOf(record.status);
    const onclick = () => act && this.act(act);
    fill(this.buttons, act && el('button', { type: 'button', onclick }, ACT_NAMES[act]), this.runLink());
  }

  /** The run of this job in Temporal UI, where it is known where that is. */
  runLink() {
    const { runs_url, tenant } = this.view.settings;
    if (!runs_url) return null;
    const href = `${runs_url}/${encodeURIComponent(tenant === null ? this.id : `${tenant}/${this.id}`)}`;
    return el('a', { href, target: '_blank', rel: 'noopener noreferrer' }, 'Its run in Temporal UI ↗');
  }

  /** @param {import('./acts.mjs').Act} act */
  async act(act) {
    const { record } = this;
    if (!record || !(await confirmed(questionOf(act, record), this.view.signal))) return;
    fill(this.fault);
    if (act === 'retry') this.retriedFrom = record.token;
    this.drawStatus();
    try {
      this.onRecord(await askJson(jobPath(this.id, `/${act}`), { method: 'POST' }));
      if (act === 'retry') void this.live();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.retriedFrom = null;
      this.drawStatus();
      fill(this.fault, `${error.title}. ${error.message}`);
    }
  }
}
