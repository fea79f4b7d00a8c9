import { Agent, buildConnector, type Dispatcher } from 'undici';

/**
 * Connections idle for longer are dropped. A provider that drops them first may do so while a request is
 * on its way, and such a request is in doubt.
 */
const KEEP_ALIVE_MS = 4_000;
const CONNECT_TIMEOUT_MS = 10_000;

/** One request, as seen below the SDK. */
export interface Wire {
  /** Send through this one; it takes one request and refuses a second. */
  dispatcher: Dispatcher;
  /** False = nothing was handed to the network. */
  wasDispatched(): boolean;
}

/** Errors of connections that never came about, by identity. */
const connectFailures = new WeakSet<object>();

/**
 * The HTTP client's connections: HTTP/1.1, short idle time, no time-outs of its own once connected (each
 * call has one of ours that ends it).
 */
export function openAgent(): Agent {
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, allowH2: false });
  return new Agent({
    // Where a connection fails is known here for certain, and nowhere else: ECONNRESET, say, may come
    // from a TLS handshake or from the middle of an answer.
    connect: (options, callback) =>
      connect(options, (...result) => {
        if (result[0]) connectFailures.add(result[0]);
        callback(...result);
      }),
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A server's Keep-Alive header may not lengthen it.
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/**
 * A dispatcher for a single request.
 *
 * It refuses a second: fetch sends a POST again by itself after a 421, and one call must never be two.
 */
export function openWire(agent: Dispatcher): Wire {
  let dispatched = false;
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    if (dispatched) throw Object.assign(new Error('A call is sent once.'), { code: 'ERR_SECOND_SEND' });
    dispatched = true;
    return dispatch(options, handler);
  });
  return { dispatcher, wasDispatched: () => dispatched };
}

/**
 * True where an error, or one of its causes, is that of a connection which never came about, TLS included:
 * then not one byte of the request was written.
 */
export function isConnectFailure(error: unknown): boolean {
  return errorChain(error).some((link) => connectFailures.has(link));
}

/** An error and its causes, outermost first. */
export function errorChain(error: unknown): object[] {
  const chain: object[] = [];
  for (let at = error; typeof at === 'object' && at !== null && chain.length < 8; at = (at as Error).cause) {
    chain.push(at);
  }
  return chain;
}
