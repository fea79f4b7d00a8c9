import type { HistoryEvent } from '../../src/dev/check-history';
import type { JobRecord } from '../../src/job';
import type { OnceEvent } from '../../src/once/env';
import type { StoredJob } from '../../src/store/store';
import type { ResolveRequest } from '../../src/workflows/contract';
import { Ghost } from './ghost';
import type { ProviderCall, SimProvider } from './provider';
import type { Commit, SimStore } from './store';
import type { ApplicationFailure } from './temporal-names';
import type { InferAttempt } from './worker';
import type { SimRun } from './workflow-run';
import type { World } from './world';

/** A broken promise. */
export interface Violation {
  /** `I1` to `I12`, `tokens`, `calm` or `error`. */
  invariant: string;
  text: string;
  at: number;
}

const SETTLED = new Set(['COMPLETED', 'FAILED', 'CANCELED', 'FORGOTTEN']);
export const isSettled = (row: { status: string } | null): boolean => row !== null && SETTLED.has(row.status);

export interface WatchTimes {
  leaseMs: number;
  callTimeoutMs: number;
  settleMs: number;
}

/** Sees everything that happens and holds it to the invariants, at each step. */
export class Watch {
  readonly violations: Violation[] = [];
  readonly counts: Record<string, number> = {};
  /** What the history checker is given at the end. */
  readonly seen: HistoryEvent[] = [];
  store!: SimStore;
  provider!: SimProvider;
  private readonly ghosts = new Map<string, Ghost>();

  constructor(
    private readonly world: World,
    private readonly times: WatchTimes,
  ) {}

  ghost(key: string): Ghost {
    let ghost = this.ghosts.get(key);
    if (!ghost) {
      const { callTimeoutMs, settleMs } = this.times;
      const violated = (invariant: string, text: string) => this.violated(invariant, `${key}: ${text}`);
      const allow = (why: 'retry' | 'rerun', token: number) =>
        void this.seen.push({ type: 'allowed', job: key, why, token });
      ghost = new Ghost(violated, allow, callTimeoutMs + settleMs);
      this.ghosts.set(key, ghost);
    }
    return ghost;
  }

  violated(invariant: string, text: string): void {
    this.world.log('VIOLATION', () => `${invariant} ${text}`);
    this.violations.push({ invariant, text, at: this.world.now });
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  committed({ key, before, after, writer, askedAt }: Commit): void {
    this.world.log(writer.proc.name, () => describe(key, before, after));
    const ghost = this.ghost(key);
    const { infer } = writer;
    ghost.commit(before, after, {
      now: this.world.now,
      storeNow: this.store.now(),
      run: infer?.attempt.task.run ?? null,
      owns: before?.status === 'IN_PROGRESS' && infer?.claim?.token === before.token,
    });
    if (!infer || after.status !== 'IN_PROGRESS') return;
    const leaseEnds = askedAt + this.times.leaseMs;
    if (before?.status !== 'IN_PROGRESS') {
      infer.claim = { call_id: after.calls.at(-1)!.call_id, token: after.token, at: askedAt, leaseEnds };
    } else if (infer.claim && after.lease_until !== null && after.calls === before.calls) {
      infer.claim.leaseEnds = Math.max(infer.claim.leaseEnds, leaseEnds);
    }
  }

  sending(infer: InferAttempt, callId: string): void {
    const { claim, proc } = infer;
    this.world.log(proc.name, () => `sends ${callId}`);
    this.count('sent');
    if (claim?.call_id !== callId) {
      this.violated('I1', `${callId} is sent without a claim of its own`);
    } else if (proc.monotonic() >= claim.leaseEnds) {
      this.violated('I10', `${callId} is sent though its lease was over by the worker's own clock`);
    }
  }

  billed(call: ProviderCall): void {
    this.count('billed');
    this.seen.push({ type: 'called', job: call.key, call: call.call_id });
    this.ghost(call.key).billed(call.call_id, this.store.row(call.key));
  }

  aborted(infer: InferAttempt, callId: string): void {
    if (infer.isCanceled || infer.isShutDown) return;
    this.violated('I3', `${callId} was aborted though nobody had canceled the job`);
  }

  reached(infer: InferAttempt, callId: string, how: 'call' | 'look-up'): void {
    infer.answers.set(callId, how);
  }

  /** An attempt is over in a living process: what it had in hand must be in the record, or beside it. */
  ended(infer: InferAttempt, error: unknown): void {
    this.checkStarted(infer, error);
    this.checkDecided(infer, error);
    for (const [callId, how] of infer.answers) {
      if (error !== undefined && how === 'look-up') continue;
      if (this.keeps(this.store.row(infer.key), callId)) continue;
      const gaveUpAt = (infer.claim?.at ?? 0) + this.times.callTimeoutMs + 60_000 - 5_000;
      if (isUnreachable(error) && infer.proc.monotonic() >= gaveUpAt) continue;
      this.violated('I3', `the valid answer to ${callId} reached ${infer.proc.name} and was dropped`);
    }
  }

  /** An operation's id is evidence: whoever asks for the job later must find it. */
  private checkStarted(infer: InferAttempt, error: unknown): void {
    const row = this.store.row(infer.key);
    if (error !== undefined || !row) return;
    for (const { call_id, fate, operation } of row.calls) {
      if (!infer.started.has(call_id) || fate !== 'open' || operation !== undefined) continue;
      this.violated('I3', `the id under which ${call_id} runs reached ${infer.proc.name} and was dropped`);
    }
  }

  /** A decision that counted is answered as such, however often it is asked for. */
  private checkDecided({ attempt, key }: InferAttempt, error: unknown): void {
    if (attempt.task.name !== 'decideDoubt' || (error as ApplicationFailure)?.type !== 'wrong_state') return;
    const asked = attempt.task.arg as ResolveRequest;
    const counted = this.store
      .row(key)
      ?.decisions.some(
        ({ doubt, action, by }) => doubt === asked.doubt && action === asked.action && by === asked.by,
      );
    if (counted) this.violated('I7', `${asked.action} by ${asked.by} counted, and was answered wrong_state`);
  }

  private keeps(row: StoredJob | null, callId: string): boolean {
    if (!row) return false;
    if (row.status === 'COMPLETED' || row.status === 'FORGOTTEN') return true;
    return row.calls.some((call) => call.call_id === callId && call.late !== undefined);
  }

  started(infer: InferAttempt, callId: string): void {
    this.count('operations started');
    infer.started.add(callId);
  }

  stated(): void {
    this.count('stated failures');
  }

  event(_: InferAttempt, { event, ...fields }: OnceEvent): void {
    this.count(`event ${event}`);
    if (String(event) === 'unexpected error') this.violated('error', `a worker threw ${fields.reason}`);
    if (event === 'look_up_failed' && /TypeError|ReferenceError/.test(fields.reason ?? '')) {
      this.violated('error', `a look-up ended by ${fields.reason}`);
    }
  }

  scheduled(): void {}

  /** A run has been told how an activity ended. */
  learned(run: SimRun, activity: string): void {
    if (activity !== 'readRecord') run.knownToken = this.store.row(run.key)?.token ?? 0;
  }

  closed(run: SimRun): void {
    this.count(`run ${run.status}`);
    const row = this.store.row(run.key);
    if (run.status === 'CONTINUED_AS_NEW' && run.isCancelRequested) {
      this.violated('I8', `${run.id} was canceled and continued as new: the next run does not know of it`);
    }
    if (run.status === 'COMPLETED') this.closedCompleted(run, row);
    else if (run.status === 'FAILED' || run.status === 'CANCELLED') this.closedFailed(run, row);
  }

  private closedFailed(run: SimRun, row: StoredJob | null): void {
    const failure = run.failure as ApplicationFailure;
    const record = failure.details?.[0] as JobRecord | undefined;
    const ghost = this.ghost(run.key);
    const end = `${run.id} ended ${run.status} (${failure.type ?? failure.message})`;
    if (failure.type === 'input_mismatch') {
      if (!ghost.hadOtherInput(String(run.memo.input_digest ?? ''))) {
        this.violated('I8', `${end} though the job never had another input`);
      }
    } else if (!record?.token) {
      this.violated('I8', `${end}, which is no end of a job; its record is ${row?.status ?? 'not there'}`);
    } else if (!SETTLED.has(record.status) || ghost.statusAt(record.token) !== record.status) {
      this.violated('I8', `${end} with a record that was never so`);
    } else if (record.token < run.knownToken) {
      this.violated('I8', `${end} by token ${record.token} though the record was at ${run.knownToken}`);
    }
  }

  private closedCompleted(run: SimRun, row: StoredJob | null): void {
    const result = JSON.stringify(run.result?.result ?? null);
    const isSame =
      row?.status === 'FORGOTTEN' ||
      (row?.status === 'COMPLETED' && row.result && 'json' in row.result && row.result.json === result);
    if (!isSame) this.violated('I8', `${run.id} completed with ${result}, its record is ${row?.status}`);
  }
}

const isUnreachable = (error: unknown): boolean =>
  (error as { type?: string } | undefined)?.type === 'unreachable';

function describe(key: string, before: StoredJob | null, after: StoredJob): string {
  const from = before ? `${before.status}/${before.token}` : 'none';
  const extra = after.doubt ? `, ${after.doubt.reason}${after.doubt.recovering ? '' : ', shown'}` : '';
  return `writes ${key}: ${from} -> ${after.status}/${after.token}, generation ${after.generation}, billed ${after.billed}${extra}`;
}
