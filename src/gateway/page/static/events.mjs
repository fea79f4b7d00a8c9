// Reads a job's events by fetch: an EventSource can't send a key. Comes back as one would.

import { ask, jobPath, Refusal } from './api.mjs';

/** @typedef {import('../../../job.js').JobRecord} JobRecord */
/** @typedef {'connecting' | 'live' | 'lost' | 'ended'} Connection */
/**
 * @typedef {object} Listener
 * @property {(record: JobRecord) => void} onRecord - told of each record
 * @property {(connection: Connection, why?: string) => void} onConnection
 * @property {() => boolean} goesOn - true where a settled job is about to be run again, so that an end is none
 */

/** The gateway says something every 15 s; a connection that is silent for longer is dead. */
const SILENT_MS = 40_000;

/**
 * Follows a job until it is settled or the signal aborts.
 *
 * @param {string} id
 * @param {Listener} tell
 * @param {AbortSignal} signal
 * @throws {Refusal} one that no time mends
 */
export async function follow(id, tell, signal) {
  const place = { lastId: '', pauseMs: 2000 };
  tell.onConnection('connecting');
  while (!signal.aborted) {
    const dead = new AbortController();
    try {
      /** @type {Record<string, string>} */
      const resume = place.lastId ? { 'last-event-id': place.lastId } : {};
      const headers = { accept: 'text/event-stream', ...resume };
      const both = AbortSignal.any([signal, dead.signal]);
      const response = await ask(jobPath(id, '/events'), { headers, signal: both });
      const isOver = response.status === 204 || (await read(response, place, tell, dead));
      if (isOver && !tell.goesOn()) return tell.onConnection('ended');
      if (!isOver) tell.onConnection('lost');
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refusal && !error.mayPass) throw error;
      tell.onConnection('lost', error instanceof Refusal ? error.title : undefined);
    } finally {
      // also where the stream was left in the middle
      dead.abort();
    }
    await pause(place.pauseMs, signal);
  }
}

/**
 * @param {Response} response
 * @param {{ lastId: string, pauseMs: number }} place
 * @param {Listener} tell
 * @param {AbortController} dead
 * @returns {Promise<boolean>} true where the stream told its end
 */
async function read({ body }, place, tell, dead) {
  if (!body) return false;
  tell.onConnection('live');
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const timer = setTimeout(() => dead.abort(), SILENT_MS);
    const { value, done } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return false;
    const messages = (text + value).split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) if (dispatch(message, place, tell)) return true;
  }
}

/**
 * One message of the stream, as the gateway writes it: one line a field (WHATWG HTML, 9.2).
 *
 * @param {string} message
 * @param {{ lastId: string, pauseMs: number }} place
 * @param {Listener} tell
 * @returns {boolean} true for the last one
 */
function dispatch(message, place, tell) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of message.split('\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
  }
  if (fields.retry) place.pauseMs = Number(fields.retry);
  if (fields.id) place.lastId = fields.id;
  if (!fields.data) return false;
  if (fields.event === 'end') return true;
  const data = JSON.parse(fields.data);
  if (fields.event === 'problem') throw new Refusal(data.status, data.title, data.detail);
  tell.onRecord(data);
  return false;
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 */
function pause(ms, signal) {
  return new Promise((done) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      done(undefined);
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
