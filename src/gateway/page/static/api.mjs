// Requests to the gateway. The key lives in this tab only (sessionStorage) and goes to this origin only.

const KEY = 'infer-once.key';

export const storedKey = () => sessionStorage.getItem(KEY);
/** @param {string} key */
export const keepKey = (key) => sessionStorage.setItem(KEY, key);
export const dropKey = () => sessionStorage.removeItem(KEY);

/** What went wrong, in words for people: the gateway's own where it answered. */
export class Refusal extends Error {
  /**
   * @param {number} status - 0 where nobody answered
   * @param {string} title
   * @param {string} sentence
   */
  constructor(status, title, sentence) {
    super(sentence);
    this.status = status;
    this.title = title;
  }

  /** True where the same request may go well later. */
  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

/**
 * One request; `json` is the text of its body.
 *
 * @param {string} path
 * @param {{ method?: string, json?: string, headers?: Record<string, string>, signal?: AbortSignal }} [options]
 * @returns {Promise<Response>} a 2xx
 * @throws {Refusal}
 */
export async function ask(path, { method = 'GET', json, headers = {}, signal } = {}) {
  const key = storedKey();
  const sent = new Headers(headers);
  if (key) sent.set('authorization', `Bearer ${key}`);
  if (json !== undefined) sent.set('content-type', 'application/json');
  const init = { method, signal, headers: sent, body: json, cache: /** @type {const} */ ('no-store') };
  const response = await fetch(path, init).catch((error) => {
    if (signal?.aborted) throw error;
    throw away();
  });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const title = problem.title ?? 'The gateway refused';
  throw new Refusal(response.status, title, problem.detail ?? `It answered ${response.status}.`);
}

/**
 * @param {string} path
 * @param {Parameters<typeof ask>[1]} [options]
 */
export async function askJson(path, options) {
  const response = await ask(path, options);
  return response.json().catch(() => {
    throw options?.signal?.aborted ? options.signal.reason : away();
  });
}

function away() {
  const why = 'It may have stopped, or be starting again, or the network is away.';
  return new Refusal(0, 'The gateway does not answer', why);
}

/**
 * @param {string} id
 * @param {string} [act] - e.g. `/retry`
 */
export const jobPath = (id, act = '') => `/v1/jobs/${encodeURIComponent(id)}${act}`;
