import type { Ratios } from './rounds';

/** One load of fresh jobs. */
export interface LevelResult {
  inFlight: number;
  jobs: number;
  p50Ms: number;
  p99Ms: number;
  /** The longest: what is shown in place of the p99 of few. */
  maxMs: number;
  jobsPerSecond: number;
  /** Processor time a job, ms: its worker's; and with the submitter's and its engine's. Null where it can't be read. */
  workerCpuMs: number | null;
  allCpuMs: number | null;
}

/** Completed jobs, submitted again. */
export interface DuplicateResult {
  /** One at a time. */
  p50Ms: number;
  /** {@link DUPLICATES_IN_FLIGHT} at once. */
  perSecond: number;
}

/** SIGKILL of the worker in mid-call. */
export interface KillResult {
  jobs: number;
  /** Calls that the provider billed for them. */
  calls: number;
  answered: number;
  /** From the kill to the last answer; null where none came. */
  recoveryMs: number | null;
}

/** What one contestant did. */
export interface ContestantResult {
  name: string;
  title: string;
  versions: Record<string, string>;
  /** Empty where it could not be measured: `faults` of the run says why. */
  levels: LevelResult[];
  duplicates: DuplicateResult | null;
  history: {
    events: number;
    bytes: number;
    /** Names of the search attributes that a job ends with, in order. */
    attributes: string[];
  } | null;
  memory: { afterJobs: number; mb: number } | null;
  kill: KillResult | null;
  /** Over all of the above but the kill: jobs that were run, and calls billed for them. */
  jobs: number;
  calls: number;
}

/** Ours against the bare workflow, in rounds that alternate. */
export interface RatioResult extends Ratios {
  name: string;
  inFlight: number;
  rounds: number;
  /** Of each side, in the shortest round. */
  jobsARound: number;
}

/** A whole run. */
export interface BenchResult {
  date: string;
  command: string;
  machine: { cpu: string; cores: number; memoryGb: number; os: string; node: string };
  servers: Record<string, string>;
  delayMs: number;
  /** infer-once's `INFER_ONCE_RECOVERY`: the calls billed after a kill rest on it. */
  recovery: string;
  seconds: number;
  contestants: ContestantResult[];
  ratios: RatioResult[];
  /** What could not be measured and why, one sentence each; the rest was. */
  faults: string[];
}
