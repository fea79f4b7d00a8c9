import type { UserError } from '../errors';

/** One delivery of a message. */
export interface Delivery {
  /** The queue's own name of the message, for log lines. */
  id: string;
  body: string;
  /** How often it was delivered, this time included; null where the queue does not count. */
  receives: number | null;
}

/**
 * What becomes of a delivery: `acknowledge` takes the message off the queue; `leave` does nothing, so that
 * the queue delivers it again, or moves it to its dead-letter queue, by its own rules.
 */
export type Verdict = 'acknowledge' | 'leave';

/** What a queue is given to consume with. */
export interface ConsumeOptions {
  /** Messages in hand at once. */
  concurrency: number;
  /** Awaited before each receive: while a part is away, a message would only be taken to be left. */
  ready(): Promise<void>;
  /** Decides about one delivery; never rejects. */
  handle(delivery: Delivery): Promise<Verdict>;
  /** A receive or an acknowledgement failed; the queue goes on after the next `ready`. */
  onFault(fault: UserError): void;
}

/** What is known of a queue before the first receive. */
export interface QueueFacts {
  /** Whether a message that is left again and again is moved away some day. */
  hasRedrivePolicy: boolean;
}

/**
 * A queue that delivers each message at least once. An adapter moves messages and knows nothing of jobs;
 * another queue is one file that has this shape, and one line in `open.ts`.
 */
export interface JobQueue {
  /** How people know it; holds no secret. */
  readonly name: string;
  /**
   * Asks the queue whether it is there.
   *
   * @throws UnreachableError where nobody answers, ConfigError where there is no such queue or it refuses us
   */
  check(): Promise<QueueFacts>;
  /**
   * Receives until `stop` aborts; resolves when every delivery in hand then has been decided about, and
   * what was to be acknowledged is.
   */
  consume(options: ConsumeOptions, stop: AbortSignal): Promise<void>;
  close(): void;
}
