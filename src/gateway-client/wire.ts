import { Agent, type Dispatcher, request as send } from 'undici';
import { ConfigError, faultCode, UnreachableError } from '../errors';

/** How long a gateway may take to answer what it need not wait for. */
const ANSWER_WITHIN_MS = 30_000;
const CONNECT_WITHIN_MS = 5_000;
/** What a gateway, or a proxy before it, says while one of them or what it needs is away. */
const AWAY = [502, 503, 504];

/** What is sent. */
export interface Sent {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the gateway's address. */
  path: string;
  /** Travels as JSON. */
  body?: unknown;
  signal?: AbortSignal;
  /** How long the gateway was asked to wait before it answers. */
  waitMs?: number;
  /** To send it twice may do it twice. */
  isOnce?: boolean;
}

/** An answer, read to its end. */
export interface Answer {
  status: number;
  /** Null where it is no JSON: whoever answered is no gateway. */
  body: object | null;
  /** When to come back; null where nothing was said. */
  retryAfterMs: number | null;
}

/** True where the same request may be answered in a moment: nobody was there to do it. */
export function isAway({ status }: Answer): boolean {
  return AWAY.includes(status);
}

/** Requests to one gateway, each sent once: no redirect is followed, so that the key goes nowhere else. */
export class Wire {
  /** The gateway's address, without a query or a name in it: it may be shown. */
  readonly address: string;
  /** It was there once: that it is away now may pass. */
  hasAnswered = false;
  private readonly agent = new Agent({ connect: { timeout: CONNECT_WITHIN_MS } });
  private readonly headers: Record<string, string>;

  /** @throws ConfigError where the address or the key can't be used; shows neither */
  constructor(url: string, key: string | undefined) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new ConfigError("The gateway's address is no http or https URL; correct INFER_ONCE_GATEWAY_URL.");
    }
    const { origin, pathname, username, password } = new URL(url);
    if (username || password) {
      throw new ConfigError("The gateway's address holds a name or a password; use INFER_ONCE_GATEWAY_KEY.");
    }
    if (key !== undefined && !/^[\x21-\x7e]+$/.test(key)) {
      throw new ConfigError(
        "The gateway's key has characters that no key has; correct INFER_ONCE_GATEWAY_KEY.",
      );
    }
    this.address = origin + pathname.replace(/\/+$/, '');
    this.headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  }

  /** @throws UnreachableError where the connection is refused or breaks; the signal's reason where it aborts */
  async send({ method, path, body, signal, waitMs = 0, isOnce = false }: Sent): Promise<Answer> {
    const isTyped = body !== undefined;
    const timeout = waitMs + ANSWER_WITHIN_MS;
    try {
      const response = await send(this.address + path, {
        method,
        headers: { ...this.headers, ...(isTyped && { 'content-type': 'application/json' }) },
        body: isTyped ? JSON.stringify(body) : undefined,
        signal,
        dispatcher: this.agent,
        headersTimeout: timeout,
        bodyTimeout: timeout,
      });
      const answer = await read(response);
      if (!isAway(answer)) this.hasAnswered = true;
      return answer;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw this.away(`does not answer (${faultCode(error)})`, isOnce, error);
    }
  }

  /** One sentence for "nobody is there". */
  away(how: string, isOnce = false, cause?: unknown): UnreachableError {
    const remedy = isOnce
      ? 'whether it took the request is not known, look at the job before you try again'
      : 'check that it runs and that INFER_ONCE_GATEWAY_URL names it, then try again';
    return new UnreachableError('gateway', `The gateway at ${this.address} ${how}; ${remedy}.`, cause);
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }
}

async function read({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<Answer> {
  const text = await body.text();
  const seconds = Number(headers['retry-after'] ?? Number.NaN);
  return {
    status: statusCode,
    body: /json/.test(String(headers['content-type'])) ? parse(text) : null,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : null,
  };
}

function parse(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}
