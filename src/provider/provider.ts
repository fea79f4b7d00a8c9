import type { LookUp, Operations, Outcome, SendContext, Started } from '../once/outcome';
import type { ChatRequest, Task } from '../tasks/task';

/** Where the model is. One for a process; it holds the connections. */
export interface Provider {
  /** For people, e.g. `api.openai.com` or `127.0.0.1:8090`. */
  readonly host: string;
  /** True only where the host is api.openai.com. */
  readonly openaiApi: boolean;

  /**
   * Sends one request, once, and says what became of it. Never rejects for anything that the provider or
   * the network does.
   *
   * @param request - from `renderRequest`
   */
  send(task: Task, request: ChatRequest, ctx: SendContext): Promise<Outcome>;

  /**
   * How to have the provider run a request by itself (recovery `background`); null where this task is to be
   * sent as usual. Spends nothing yet. A provider without such a mode has no such method.
   *
   * @returns a function that starts it, once, and never rejects for what provider or network do
   * @throws ConfigError for a request that can't be made in this way
   */
  background?(task: Task, request: ChatRequest): ((ctx: SendContext) => Promise<Started | Outcome>) | null;

  /** Calls that the provider runs by itself, whatever the recovery is now: they may be older than it. */
  operations?(task: Task): Operations;

  /** How to look for answers to calls of this task whose fate is open; null = nobody can be asked. */
  lookUp(task: Task): LookUp | null;

  /**
   * Deletes what the provider stored of these calls. Does nothing where nothing can be stored.
   *
   * @param task - whose recovery decides; undefined = the configured one
   * @param operations - the ids that the provider gave to calls which it ran by itself
   * @throws UnreachableError where the provider can't be asked; try again later
   */
  forget(key: string, callIds: string[], task?: Task, operations?: string[]): Promise<void>;

  /** Closes idle connections and waits for those in use. */
  close(): Promise<void>;
}
