/** Where a worker under test can be made to die: by their order in the life of a job. */
export const CRASH_POINTS = [
  /** Looked up and rendered; nothing is written. */
  'before_claim',
  /** The claim is durable; nothing is sent. */
  'after_claim',
  /** The provider is about to be asked. */
  'before_send',
  /** The request is at the provider, which has not executed it yet; the test kills from outside. */
  'in_call',
  /** The answer is here and read. */
  'after_answer',
  /** The write of the answer is about to begin. */
  'before_save',
  /** The answer is durable. */
  'after_save',
  /** The activity is about to return. */
  'before_report',
  /** Temporal has the activity's result; the run is about to end by it. */
  'before_workflow_completes',
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

/** More points in the life of a call that the provider runs by itself, between `before_send` and its answer. */
export const OPERATION_POINTS = [
  /** The provider took the call; the id that it gave is not saved. */
  'after_operation_started',
  /** The id is durable. */
  'after_operation_saved',
] as const;

/** Any point in the life of a call at which a worker can be made to die. */
export type AnyCrashPoint = CrashPoint | (typeof OPERATION_POINTS)[number];

/** Points outside of any call, in the short activities that read and write the record. */
export type RecordPoint =
  /** An operator's decision is durable; nobody was told. */
  | 'after_decide'
  /** A run that is about to end is about to look at the record once more. */
  | 'before_reread'
  /** The cancel of a job that is in no activity is durable; nobody was told. */
  | 'after_cancel';

/** Whatever a worker can be made to die at. */
export type Failpoint = AnyCrashPoint | RecordPoint;

/** How a worker dies: `kill` as by SIGKILL, `stop` freezes until SIGCONT, `throw` fails this one step. */
export type CrashHow = 'kill' | 'stop' | 'throw';
