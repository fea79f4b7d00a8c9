import type { StoredJob } from '../../src/store/store';
import type { SimRun } from './workflow-run';

/** A cancel that was asked for, and when it came back as done. */
export interface CancelAsked {
  askedAt: number;
  doneAt: number;
  /** Of the record then: what was opened later was asked for again. */
  generation: number;
}

/** What an operator saw when deciding. */
export interface SeenDoubt {
  token: number;
  number: number;
}

/** What a commit happened under. */
export interface Circumstances {
  now: number;
  /** By the store's clock. */
  storeNow: number;
  /** The run that wrote, where one did. */
  run: SimRun | null;
  /** Whether the writer holds the claim. */
  owns: boolean;
}

type Violated = (invariant: string, text: string) => void;

/** What is true of one job, kept beside the record and never read by the code under test. */
export class Ghost {
  readonly cancels: CancelAsked[] = [];
  /** By the name that an operator signs with. */
  readonly decisions = new Map<string, SeenDoubt>();
  /** The inputs' names by their digests. */
  readonly inputNames = new Map<string, string>();
  totalBilled = 0;
  doubts = 0;
  reruns = 0;
  policyReruns = 0;
  paidReopens = 0;
  private readonly generationOf = new Map<string, number>();
  private readonly billedIn = new Map<number, number>();
  private readonly rerunsIn = new Map<number, number>();
  private readonly doubtNumbers = new Map<number, number>();
  private readonly statuses = new Map<number, string>();
  private readonly digests = new Set<string>();
  private readonly signed = new Set<string>();

  /** @param answerMs - for so long after a claim an answer may come: call time-out and settle */
  constructor(
    private readonly violated: Violated,
    private readonly allow: (why: 'retry' | 'rerun', token: number) => void,
    private readonly answerMs: number,
  ) {}

  /** What an operator sees of the present doubt. */
  seeDoubt(token: number): SeenDoubt {
    return { token, number: this.doubtNumbers.get(token) ?? 0 };
  }

  digestOf(input: string): string {
    return [...this.inputNames].find(([, name]) => name === input)?.[0] ?? '';
  }

  statusAt(token: number): string | undefined {
    return this.statuses.get(token);
  }

  hadOtherInput(digest: string): boolean {
    return [...this.digests].some((had) => had !== digest);
  }

  commit(before: StoredJob | null, after: StoredJob, circumstances: Circumstances): void {
    const { now, storeNow, run, owns } = circumstances;
    this.checkToken(before, after);
    this.statuses.set(after.token, after.status);
    this.digests.add(after.input_digest);
    this.checkKept(before, after);
    if (before && before.status !== after.status) this.checkRight(before, after, owns);
    if (after.status === 'IN_DOUBT' && before?.status !== 'IN_DOUBT')
      this.enterDoubt(before, after, storeNow, owns);
    if (before && after.decisions.length > before.decisions.length) this.decide(before, after, storeNow);
    if (after.status === 'IN_PROGRESS' && before?.status !== 'IN_PROGRESS')
      this.claim(before, after, now, run);
    if (after.status === 'COMPLETED') this.checkInput(after);
    this.checkBilled(after);
  }

  /** A call has arrived at the provider. */
  billed(callId: string, row: StoredJob | null): void {
    const generation = this.generationOf.get(callId) ?? 0;
    const count = (this.billedIn.get(generation) ?? 0) + 1;
    this.billedIn.set(generation, count);
    this.totalBilled += 1;
    const allowed = 1 + (this.rerunsIn.get(generation) ?? 0);
    if (count > allowed) {
      this.violated('I1', `${count} calls were paid for in generation ${generation}, ${allowed} allowed`);
    }
    const total = 1 + this.reruns + this.paidReopens;
    if (this.totalBilled > total)
      this.violated('I1', `${this.totalBilled} calls were paid for, ${total} allowed`);
    if (row) this.checkBilled(row);
  }

  private checkToken(before: StoredJob | null, after: StoredJob): void {
    const old = before?.token ?? 0;
    if (after.token < old) this.violated('tokens', `the token went back from ${old} to ${after.token}`);
    if (before && before.status !== after.status && after.token <= old) {
      this.violated('tokens', `${before.status} became ${after.status} and the token stayed ${old}`);
    }
    if (
      before?.status === after.status &&
      after.token > old &&
      !['FAILED', 'CANCELED'].includes(after.status)
    ) {
      this.violated('tokens', `the token of a job ${after.status} moved, its status did not`);
    }
    if (after.status === 'IN_DOUBT' && after.doubt?.token !== after.token) {
      this.violated('I7', `a doubt that token ${after.token} does not name`);
    }
  }

  /** What was acknowledged stays. */
  private checkKept(before: StoredJob | null, after: StoredJob): void {
    if (!before) return;
    if (before.status === 'FORGOTTEN') this.violated('I12', `a forgotten job was written: ${after.status}`);
    if (after.status === 'FORGOTTEN') return;
    const isSameResult = JSON.stringify(before.result) === JSON.stringify(after.result);
    if (before.status === 'COMPLETED' && (after.status !== 'COMPLETED' || !isSameResult)) {
      this.violated('I2', `a completed job became ${after.status} with ${JSON.stringify(after.result)}`);
    }
    const isFree =
      before.status === 'FAILED' && before.error?.code === 'invalid_input' && before.attempts === 0;
    if (before.input_digest !== after.input_digest && !isFree) {
      this.violated('I4', `the input of a job ${before.status} was replaced after ${before.attempts} claims`);
    }
    for (const { call_id, late, raw } of before.calls) {
      const kept = after.calls.find((call) => call.call_id === call_id);
      if ((late && !kept?.late) || (raw && !kept?.raw))
        this.violated('I3', `what ${call_id} answered was lost`);
    }
  }

  /** Who has lost the right to a job changes nothing of it but by evidence. */
  private checkRight(before: StoredJob, after: StoredJob, owns: boolean): void {
    const step = `${before.status} -> ${after.status}`;
    const settlesAsFailed = after.status === 'FAILED' || after.status === 'PENDING';
    // whoever fetches the answer of a call that the provider runs writes it as its owner's
    const isRunning = before.calls.some(({ token, operation }) => token === before.token && operation);
    if (before.status === 'IN_PROGRESS' && settlesAsFailed && !owns && !isRunning) {
      this.violated('stale', `${step} by a writer who does not hold the claim`);
    }
    const isDecided = after.decisions.length > before.decisions.length;
    if (before.status !== 'IN_DOUBT' || isDecided || !settlesAsFailed) return;
    const others = after.calls.filter(
      ({ generation, fate }) => generation === after.generation && fate === 'open',
    );
    if (others.length > 0)
      this.violated('stale', `${step} though ${others[0]!.call_id} may still be answered`);
  }

  private enterDoubt(before: StoredJob | null, after: StoredJob, now: number, owns: boolean): void {
    if (!owns && (before?.lease_until ?? 0) > now) {
      this.violated('I3', 'a job was put in doubt while the lease of its owner had time');
    }
    this.doubts += 1;
    this.doubtNumbers.set(after.token, this.doubts);
  }

  private decide(before: StoredJob, after: StoredJob, now: number): void {
    const { action, by, doubt } = after.decisions.at(-1)!;
    if (doubt !== before.token)
      this.violated('I7', `a decision on doubt ${doubt} was taken at ${before.token}`);
    const seen = this.decisions.get(by);
    if (seen) {
      if (this.signed.has(by)) this.violated('I7', `the decision of ${by} was taken twice`);
      this.signed.add(by);
      if (before.status === 'IN_DOUBT' && seen.number !== this.doubts) {
        this.violated('I7', `${by} decided doubt number ${seen.number}, it settled number ${this.doubts}`);
      }
    }
    if (by === 'policy' && now < this.lastAnswerAt(before)) {
      this.violated('I7', `the policy decided ${action} while an answer could still come`);
    }
    if (action !== 'rerun') return;
    this.reruns += 1;
    this.allow('rerun', before.token);
    this.rerunsIn.set(after.generation, (this.rerunsIn.get(after.generation) ?? 0) + 1);
    if (by === 'policy') this.policyReruns += 1;
    if (this.policyReruns > 1) this.violated('I1', 'the policy ran the job again twice');
  }

  private lastAnswerAt(row: StoredJob): number {
    const sent = row.calls.filter((call) => call.fate === 'open').map((call) => call.claimed_at);
    return Math.max(0, ...sent) + this.answerMs;
  }

  private claim(before: StoredJob | null, after: StoredJob, now: number, run: SimRun | null): void {
    this.generationOf.set(after.calls.at(-1)!.call_id, after.generation);
    if (before && after.generation > before.generation) {
      const isPaid = run?.arg.reopen?.paid === true;
      if (isPaid) {
        this.paidReopens += 1;
        this.allow('retry', before.token);
      } else if ((this.billedIn.get(before.generation) ?? 0) > 0) {
        this.violated('I5', `a ${before.status} job that was paid for runs again without a retry`);
      }
      if (run?.arg.reopen?.token !== before.token) this.violated('I5', 'a permit was used at another token');
    }
    const cancel = this.cancels.find(
      ({ askedAt, doneAt, generation }) =>
        run && run.askedAt < askedAt && doneAt < now && generation === before?.generation,
    );
    if (cancel) this.violated('I11', 'a claim after a cancel, by a run that was asked for before it');
  }

  private checkInput(after: StoredJob): void {
    const expected = this.inputNames.get(after.input_digest);
    const result = after.result && 'json' in after.result ? JSON.parse(after.result.json) : null;
    if (result?.of !== expected) {
      this.violated('I4', `a job with input ${expected} was given the answer to ${result?.of}`);
    }
  }

  private checkBilled(row: StoredJob): void {
    if (row.billed === 'no' && (this.billedIn.get(row.generation) ?? 0) > 0) {
      this.violated('I9', `the record says "billed: no" of generation ${row.generation}, which was paid for`);
    }
  }
}
