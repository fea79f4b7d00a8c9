import type { FoundAnswer, Outcome, SendContext, Started } from '../../src/once/outcome';
import type { Proc } from './process';
import type { SimSignal } from './signals';
import type { World } from './world';

/** What the provider and the network do to a call; the weights are a plan's. */
export type CallFate =
  | 'answered'
  | 'slow'
  | 'bad'
  /** A bad answer that takes its time; one whose connection breaks meanwhile. */
  | 'spoiling'
  | 'spoilt'
  | 'silent'
  | 'lost'
  | 'reset'
  | 'limited'
  /** A 429 that takes its time. */
  | 'late'
  | 'refused'
  | 'rejected'
  | 'failed';

export interface ProviderTrouble {
  /** Of the first calls, in turn; then `fates` are drawn from. */
  script: readonly CallFate[];
  fates: readonly CallFate[];
  /** How often an answer is never listed, and a look-up fails. */
  unlisted: number;
  lookUpFails: number;
  listDelayMs: number;
}

/** One call as the provider knows it. */
export interface ProviderCall {
  call_id: string;
  key: string;
  /** The name of the input that was sent. */
  input: string;
  /** Arrived, hence paid for. */
  isBilled: boolean;
  answer: 'valid' | 'bad' | 'failed' | null;
  /** The provider runs it by itself: it was only started. */
  isBackground: boolean;
  isCanceled: boolean;
  /** From then on the provider does not know its id any more. */
  goneAt: number;
  answeredAt: number;
  listedAt: number;
}

/** Where an answer can be found whose worker is gone. */
export type Recovery = 'stored' | 'background' | 'none';

/** What is told to a watcher. */
export interface ProviderWatch {
  billed(call: ProviderCall): void;
}

type Later = (ms: number, outcome: Outcome | Started) => void;

/** The provider: honest, sometimes slow or silent. A call is paid for when it arrives. */
export class SimProvider {
  readonly calls = new Map<string, ProviderCall>();
  awayUntil = 0;
  private arrived = 0;

  constructor(
    private readonly world: World,
    private readonly trouble: ProviderTrouble,
    readonly recovery: Recovery,
    private readonly callTimeoutMs: number,
    private readonly watch: ProviderWatch,
  ) {}

  /**
   * Sends one request from `proc`.
   *
   * @param reached - told when the outcome has come into the living process
   */
  send<T extends Outcome | Started>(
    proc: Proc,
    input: string,
    ctx: SendContext,
    reached: (outcome: T) => void,
  ): Promise<T> {
    const { world } = this;
    const { rng } = world;
    const call: ProviderCall = {
      call_id: ctx.call_id,
      key: ctx.key,
      input,
      isBilled: false,
      answer: null,
      isBackground: this.recovery === 'background',
      isCanceled: false,
      goneAt: Number.POSITIVE_INFINITY,
      answeredAt: Number.POSITIVE_INFINITY,
      listedAt: Number.POSITIVE_INFINITY,
    };
    this.calls.set(call.call_id, call);
    return new Promise((resolve) => {
      let ended = false;
      const end = (outcome: Outcome | Started): void => {
        if (ended) return;
        ended = true;
        proc.enter(() => {
          reached(outcome as T);
          resolve(outcome as T);
        });
      };
      const unknown = (reason: string) => () => end({ kind: 'unknown', reason });
      const signal = ctx.signal as unknown as SimSignal;
      const abort = unknown('aborted');
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort);
      world.after(this.callTimeoutMs, unknown('no answer in time'));
      world.after(rng.between(1, 300), () => this.arrive(call, end, ended));
    });
  }

  private arrive(call: ProviderCall, end: (outcome: Outcome | Started) => void, isAborted: boolean): void {
    const { world } = this;
    const { rng } = world;
    const later: Later = (ms, outcome) => void world.after(ms, () => end(outcome));
    const soon = rng.chance(0.3) ? rng.between(300, this.callTimeoutMs) : rng.between(1, 300);
    const fate = this.fate();
    if (isAborted && rng.chance(0.5)) return;
    switch (fate) {
      case 'late':
      case 'limited': {
        const retryAfterMs = rng.chance(0.5) ? rng.between(0, 20_000) : undefined;
        const wait = fate === 'late' ? rng.between(soon, this.callTimeoutMs) : soon;
        later(wait, { kind: 'not_executed', reason: 'rate_limited', message: '429', retryAfterMs });
        break;
      }
      case 'refused':
        later(soon, { kind: 'not_executed', reason: 'unreachable', message: 'refused' });
        break;
      case 'rejected':
        later(soon, { kind: 'rejected', message: '400' });
        break;
      case 'failed':
        if (call.isBackground) this.run(call, fate, later);
        else later(soon, { kind: 'stated_failure', reason: 'provider_failed', message: '500' });
        break;
      case 'lost':
        if (rng.chance(0.5)) later(soon, { kind: 'unknown', reason: 'reset' });
        break;
      default:
        this.execute(call, fate, later);
    }
  }

  private execute(call: ProviderCall, fate: CallFate, later: Later): void {
    const { world } = this;
    call.isBilled = true;
    world.log('provider', () => `${call.call_id} arrives: it is paid for`);
    this.watch.billed(call);
    this.run(call, fate, later);
  }

  private run(call: ProviderCall, fate: CallFate, later: Later): void {
    const { world, trouble } = this;
    const { rng } = world;
    const isReset = fate === 'reset' || fate === 'spoilt';
    if (isReset) later(rng.between(1, 8000), { kind: 'unknown', reason: 'reset' });
    else if (call.isBackground) later(rng.between(5, 500), { kind: 'started', operation: call.call_id });
    if (fate === 'silent') {
      if (rng.chance(0.6)) call.goneAt = world.now + rng.between(1000, 2 * this.callTimeoutMs);
      return;
    }
    const isSlow = fate === 'slow' || fate === 'spoiling';
    const isBad = fate === 'bad' || fate === 'spoiling' || fate === 'spoilt';
    const takes = isSlow ? rng.between(1000, Math.round(this.callTimeoutMs * 1.5)) : rng.between(20, 6000);
    world.after(takes, () => {
      if (call.isCanceled) return;
      call.answer = isBad ? 'bad' : fate === 'failed' ? 'failed' : 'valid';
      call.answeredAt = world.now;
      world.log('provider', () => `${call.call_id} is answered (${call.answer})`);
      const isListed = this.recovery === 'stored' && !(rng.chance(trouble.unlisted) && world.stormy);
      const slowest = isBad && isReset ? 90_000 : trouble.listDelayMs;
      if (isListed) call.listedAt = world.now + rng.between(slowest * (isBad && isReset ? 0.6 : 0), slowest);
    });
    if (!isReset && !call.isBackground) world.after(takes, () => later(rng.between(1, 100), outcomeOf(call)));
  }

  private fate(): CallFate {
    const { rng, stormy, now } = this.world;
    const scripted = this.trouble.script[this.arrived++];
    if (scripted) return scripted;
    if (!stormy) return rng.chance(0.1) ? 'bad' : 'answered';
    return now < this.awayUntil
      ? rng.pick(['refused', 'lost', 'reset'] as const)
      : rng.pick(this.trouble.fates);
  }

  /** Whether a question fails now. */
  isAway(): boolean {
    const { world, trouble } = this;
    return world.stormy && (world.now < this.awayUntil || world.rng.chance(trouble.lookUpFails));
  }

  /** Answers to these calls that the provider shows by now, oldest first. */
  lookUp(proc: Proc, callIds: string[], reached: (found: FoundAnswer[]) => void): Promise<FoundAnswer[]> {
    const { world } = this;
    return new Promise((resolve, reject) => {
      world.after(world.rng.between(5, 500), () => {
        if (this.isAway()) {
          return proc.enter(() => reject(new Error('the provider can not be asked')));
        }
        const found = callIds
          .map((id) => this.calls.get(id))
          .filter((call) => call !== undefined && call.listedAt <= world.now)
          .sort((a, b) => a!.answeredAt - b!.answeredAt)
          .map((call) => ({ call_id: call!.call_id, outcome: outcomeOf(call!) }));
        proc.enter(() => {
          reached(found);
          resolve(found);
        });
      });
    });
  }
}

export function outcomeOf(call: ProviderCall): FoundAnswer['outcome'] {
  const usage = { input_tokens: 1, cached_tokens: null, output_tokens: 1, reasoning_tokens: null };
  const facts = { usage, cost_usd: 0.001, model: 'sim', request_id: `req-${call.call_id}` };
  if (call.answer === 'valid') {
    return { kind: 'answered', result: { of: call.input, by: call.call_id }, ...facts };
  }
  return { kind: 'bad_answer', error: { code: 'output_invalid', message: 'bad' }, raw: 'raw', ...facts };
}
