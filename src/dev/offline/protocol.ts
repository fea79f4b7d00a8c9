import type OpenAI from 'openai';

/** What the offline model reads of a request for a chat completion: the official package's own type. */
export type ChatRequest = OpenAI.Chat.Completions.ChatCompletionCreateParams;

/** A completion as it is answered, stored and listed. */
export type Completion = OpenAI.Chat.Completions.ChatCompletion & {
  /** On a stored one. */
  metadata?: Record<string, string>;
  /** On a stored one: the `x-request-id` that its call was answered with. */
  request_id?: string;
};

/** What the offline model reads of a request for a response: the official package's own type. */
export type ResponseRequest = OpenAI.Responses.ResponseCreateParams;

/** A response as it is answered and stored: the part of the provider's shape that the offline model fills. */
export interface StoredResponse {
  id: string;
  object: 'response';
  created_at: number;
  status: 'queued' | 'in_progress' | 'completed' | 'failed' | 'cancelled' | 'incomplete';
  background: boolean;
  error: { code: string; message: string } | null;
  incomplete_details: { reason: string } | null;
  model: string;
  metadata: Record<string, string>;
  output: object[];
  usage: {
    input_tokens: number;
    input_tokens_details: { cached_tokens: number };
    output_tokens: number;
    output_tokens_details: { reasoning_tokens: number };
    total_tokens: number;
  } | null;
}

/** What the stand-in calls itself wherever a model or its maker is named. */
export const STAND_IN = 'offline-stand-in';

/**
 * Which requests a rule looks at: new completions and responses, the list by which a lost completion is looked
 * for, the polls of a response, or its cancel.
 */
export type Route = 'create' | 'list' | 'retrieve' | 'cancel';

/** What to do with a request that a rule picked. Fields combine, in the order: delay, hold, then the rest. */
export interface RuleAction {
  /** Answer with this status; 400 and above are not billed unless `bill` says so. */
  status?: number;
  /** Body in place of the provider's own error shape: text as it is, anything else as JSON. */
  body?: unknown;
  /** Headers added to the answer, e.g. `{'retry-after': '1800'}`. */
  headers?: Record<string, string>;
  /** Wait this long first, in milliseconds, in place of the process's `--delay`. */
  delay_ms?: number;
  /** Wait, unbilled, until `/__release` names this job (or none). */
  hold?: true;
  /** Never answer. Not executed unless `bill` is true. */
  hang?: true;
  /** Execute and bill the call, or not, whatever is answered. */
  bill?: boolean;
  /** Reset the connection: before the call is executed, or once it is billed and stored. */
  reset?: 'before' | 'after_billing';
  /** Send half the body, then reset the connection. */
  truncate?: true;
  /** The message's text. */
  content?: string;
  finish_reason?: 'stop' | 'length' | 'content_filter' | 'tool_calls';
  /** Refuse with this text; content is null then. */
  refusal?: string;
  /** A response only: it ends as `failed` with this error code, unbilled unless `bill` is true. */
  fail?: string;
  /** Leave usage out of the answer; the ledger has it all the same. */
  usage?: null;
  /** The stored completion appears in lists only after this many milliseconds. */
  list_after_ms?: number;
  /** Answer 307 to this URL. */
  redirect?: string;
  /** Answer 200 with a body that is not JSON; executed and billed. */
  not_json?: true;
}

/** A rule of `POST /__control`: the first in the list that matches a request decides. */
export interface Rule {
  match?: {
    /** Default `create`. */
    route?: Route;
    job_id?: string;
    /** A text that the request's messages contain. */
    contains?: string;
    /** Only the nth request, from 1, of those that the other conditions pick. */
    nth?: number;
  };
  /** How often the rule may act; without it, always. */
  times?: number;
  do: RuleAction;
}

/** A call that is under way. */
export interface CallInFlight {
  job_id: string | null;
  call_id: string | null;
}

/** The answer of `GET /__state`. */
export interface OfflineState {
  /** Grows with every change; `GET /__state?after=N` answers once it is above N. */
  version: number;
  /** Requests for a completion or a response that came in. */
  requests: number;
  /** Lists that were asked for. */
  lists: number;
  /** Polls of responses that were asked for. */
  polls: number;
  /** Cancels of responses that were asked for. */
  cancels: number;
  /** Calls billed since this process started; the ledger has those of its predecessors too. */
  billed: number;
  /** Answers that went out whole. */
  answered: number;
  /** Stored completions and responses. */
  stored: number;
  in_flight: CallInFlight[];
  held: CallInFlight[];
}
