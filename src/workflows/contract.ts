import type { JobArgument, JobRecord } from '../job';

/** Query: the record as the run knows it. */
export const RECORD_QUERY = 'record';
/** Update: settles a doubt; takes {@link ResolveRequest}, returns the record. */
export const RESOLVE_UPDATE = 'resolve';
/** Signal: somebody outside the run changed the record; look again. */
export const SETTLED_SIGNAL = 'settled';

/** Who decided, where a decision says nothing of that. */
export const UNNAMED = 'unknown';

/** What `resolve` takes, from the client, the command line, Temporal UI or the `temporal` CLI. */
export interface ResolveRequest {
  action: 'rerun' | 'adopt' | 'adopt_late' | 'abandon';
  /** The doubt's token, as shown; on a FAILED job (`adopt` only) the record's token. */
  doubt: number;
  /** Who decides; kept in the record. */
  by?: string;
  /** With `adopt`: the result, checked against the task's schema. */
  result?: unknown;
}

/** What the workflow asks of `infer`. */
export interface InferRequest extends JobArgument {
  /** How many times this doubt was looked at before. */
  checks: number;
}

/** What `infer` found or did. */
export type InferOutcome = { store_id: string } & (
  | { kind: 'mismatch' }
  | {
      /** `unsettled`: nothing more for now, look again after `check_after_ms`. */
      kind: 'settled' | 'unsettled';
      record: JobRecord;
      check_after_ms: number;
      /** Whether the namespace has the search attributes; an unregistered one would block the run. */
      search_attributes: boolean;
    }
);

/** Names the store that the job's record is in, so that no other one answers. */
export interface StoreRef {
  store_id?: string;
}

/** The activities as the workflow sees them. */
export interface JobActivities {
  /** Claim, call, settle; in doubt, one round of recovery. */
  infer(request: InferRequest): Promise<InferOutcome>;
  /** Applies an operator's decision. */
  decideDoubt(request: ResolveRequest & StoreRef): Promise<JobRecord>;
  /** Writes the cancellation of a job that is in no activity; null where the run had missed its job. */
  cancelJob(request: JobArgument): Promise<JobRecord | null>;
  /** The record as it is now; null where there is none. */
  readRecord(request: StoreRef): Promise<JobRecord | null>;
}

/** The times that a worker gives its workflow code; see `withSettings`. */
export interface WorkflowSettings {
  heartbeatTimeoutMs: number;
  /** Start-to-close of `infer`, for tasks not named in `tasks`. */
  startToCloseMs: number;
  tasks: Record<string, { startToCloseMs: number }>;
  /** Whether failures' messages become payloads, for the worker's codec to seal. Default false. */
  sealsFailures?: boolean;
}
