import type { World } from '../world';

/** One logical job of the bench. */
export interface Job {
  id: string;
  prompt: string;
}

/** A worker process of a contestant. */
export interface ContestantWorker {
  pid(): number;
  /** Ends it by SIGKILL; resolves when it is dead. */
  kill(): Promise<void>;
  /** Starts another in its place, as a supervisor would; resolves when it takes jobs. */
  start(): Promise<void>;
}

/** What Temporal keeps of one job. */
export interface JobHistory {
  events: number;
  bytes: number;
  /** Names of its search attributes, in order. */
  attributes: string[];
}

/** A contestant whose every part runs. */
export interface Running {
  /** Submits a job and resolves with its answer. */
  run(job: Job): Promise<string>;
  /** Whether the same id again is answered from what is kept; else it is another call. */
  remembers: boolean;
  /** Absent where the submitting process itself calls. */
  worker?: ContestantWorker;
  /** Processes of its engine; with their children, their time is part of what a job costs. */
  servers: number[];
  /** Temporal's history of a job that completed; absent elsewhere. */
  history?(id: string): Promise<JobHistory>;
  stop(): Promise<void>;
}

/** A way to have a model asked, with the settings that its own documentation starts from. */
export interface Contestant {
  /** For `--only`. */
  name: string;
  title: string;
  /** Of the packages that it rests on, `name version` each. */
  packages: string[];
  /** @throws UserError where a server of it can't start: one sentence, shown in the table */
  open(world: World): Promise<Running>;
}

/** Calls at once in one worker, for every contestant that has such a setting; infer-once's default. */
export const CONCURRENCY = 100;
