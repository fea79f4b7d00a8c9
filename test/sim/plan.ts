import type { Policy } from '../../src/once/policy';
import type { FrontendTrouble } from './client-api';
import type { CallFate, ProviderTrouble, Recovery } from './provider';
import type { Rng } from './rng';
import type { StoreTrouble } from './store';

/** How likely each kind of trouble is. */
export interface Odds {
  /** Somebody submits another input under the same id. */
  otherInput: number;
  /** `retry`, `cancel`, `forget`. */
  requests: number;
  /** An operator's Reset or terminate. */
  interference: number;
  /** Operators who look for doubts and decide. */
  operators: number;
  /** Crashes and freezes. */
  machines: number;
  /** Workers that lose sight of Temporal and the store, and go on. */
  zombies: number;
}

/** What one seed is about: how the job is set up, and how much goes wrong. */
export interface Plan {
  /** Nothing fails and nobody interferes: then every job has to end well, with one call. */
  isCalm: boolean;
  keys: string[];
  policy: Policy;
  recovery: Recovery;
  heartbeatTimeoutMs: number;
  workers: number;
  /** How often a worker's report takes seconds on its way to Temporal. */
  slowReports: number;
  /** How long faults and requests go on. */
  stormMs: number;
  odds: Odds;
  store: StoreTrouble;
  provider: ProviderTrouble;
  frontend: FrontendTrouble;
  /** Crashes and freezes at the n-th thing that comes into a worker process, by n. */
  atSeams: Map<number, 'crash' | 'freeze'>;
  /** At the n-th send, by n, its worker loses sight of the store for longer than a lease. */
  cutAtSends: Set<number>;
  /** How likely a worker process refuses an input, as a stricter version of the task. */
  strict: number;
}

const QUIET_STORE: StoreTrouble = { lost: 0, committedThenLost: 0, lateCommit: 0, slow: 0 };
const MILD: Odds = {
  otherInput: 0.2,
  requests: 0.1,
  interference: 0.1,
  operators: 0.4,
  machines: 0.12,
  zombies: 0.1,
};
const UNCLEAR: readonly CallFate[] = ['silent', 'lost', 'reset', 'reset'];
const TROUBLES: readonly CallFate[] = [
  ...UNCLEAR,
  'bad',
  'limited',
  'limited',
  'refused',
  'rejected',
  'failed',
  'late',
];

/** A second call, after one whose fate is open. */
const RERUNS: readonly (readonly CallFate[])[] = [
  ['reset', 'rejected'],
  ['silent', 'rejected'],
  ['silent', 'limited', 'reset'],
  ['silent', 'silent', 'silent'],
  ['spoilt', 'silent'],
  ['spoilt', 'reset'],
  ['limited', 'reset', 'rejected'],
];

/** A call whose worker has lost its claim by the time that it hears. */
const LATE_WORD: readonly (readonly CallFate[])[] = [
  ['reset', 'late', 'reset'],
  ['silent', 'late', 'answered'],
  ['silent', 'late', 'late'],
  ['spoiling', 'slow'],
  ['silent', 'spoiling', 'slow'],
  ['late', 'late', 'answered'],
];

/** Calls that cost nothing, so that the job is tried again, perhaps by a worker that refuses its input. */
const FREE: readonly (readonly CallFate[])[] = [['limited'], ['refused', 'limited'], ['limited', 'rejected']];

/** What a seed is bent on: rare interleavings need several of a kind at once. */
interface Bent {
  odds: Odds;
  fates: readonly CallFate[];
  /** What becomes of the first calls, one of these: most can go wrong where one generation has several. */
  scripts?: readonly (readonly CallFate[])[];
  /** Whether workers run different versions of the task, some of which refuse an input. */
  strict?: boolean;
}

const BENTS: readonly Bent[] = [
  { odds: MILD, fates: TROUBLES },
  { odds: { ...MILD, requests: 0.5, interference: 0.3 }, fates: TROUBLES },
  { odds: { ...MILD, requests: 0.4, zombies: 0.7 }, fates: ['slow', 'bad', 'silent'] },
  { odds: { ...MILD, zombies: 0.7, machines: 0.3 }, fates: ['slow', 'slow', 'bad', 'limited'] },
  { odds: { ...MILD, operators: 1, otherInput: 0.1 }, fates: UNCLEAR, scripts: RERUNS },
  { odds: { ...MILD, operators: 1, zombies: 1 }, fates: TROUBLES, scripts: LATE_WORD },
  { odds: { ...MILD, otherInput: 0.9 }, fates: TROUBLES, scripts: FREE, strict: true },
];

/** Draws a plan; every choice is the seed's. */
export function drawPlan(rng: Rng): Plan {
  const isCalm = rng.chance(0.08);
  const bent = rng.pick(BENTS);
  const fates: CallFate[] = ['answered', 'answered'];
  for (let i = rng.between(0, 5); i > 0; i--) fates.push(rng.pick(bent.fates));
  return {
    isCalm,
    keys: rng.chance(0.1) ? ['job', 'other'] : ['job'],
    policy: drawPolicy(rng, bent.scripts !== undefined),
    recovery: rng.pick(['stored', 'stored', 'background', 'none']),
    heartbeatTimeoutMs: 10_000,
    workers: 2,
    slowReports: isCalm ? 0 : rng.pick([0, 0.05, 0.3]),
    stormMs: rng.pick([15_000, 60_000, 150_000]),
    odds: bent.odds,
    store: isCalm || rng.chance(0.5) ? QUIET_STORE : drawStore(rng),
    provider: {
      fates: isCalm ? ['answered'] : fates,
      script: isCalm || !bent.scripts ? [] : rng.pick(bent.scripts),
      // a provider that can't be asked is a fault too: a running call that was answered would look as if it ran on
      unlisted: rng.pick(isCalm ? [0, 0] : [0, 0.3]),
      lookUpFails: rng.pick(isCalm ? [0, 0] : [0, 0.2]),
      listDelayMs: rng.pick([100, 10_000, 90_000]),
    },
    frontend: isCalm ? { lost: 0, doneThenLost: 0 } : { lost: 0.02, doneThenLost: 0.03 },
    atSeams: isCalm ? new Map() : drawSeams(rng),
    strict: !isCalm && bent.strict ? 0.5 : 0,
    cutAtSends: new Set(isCalm ? [] : [1, 2, 3].filter(() => rng.chance(bent.odds.zombies / 2))),
  };
}

function drawPolicy(rng: Rng, reruns: boolean): Policy {
  return {
    onUnknown: rng.pick(reruns ? ['hold', 'rerun'] : ['hold', 'hold', 'rerun', 'fail']),
    holdForMs: rng.chance(0.2) ? rng.between(1000, 60_000) : null,
    holdThen: rng.pick(['rerun', 'fail']),
    callTimeoutMs: rng.pick([20_000, 40_000]),
    leaseMs: 15_000,
    settleMs: rng.pick([5_000, 30_000]),
    deadlineMs: rng.pick([30_000, 3_600_000]),
    retryAfterCapMs: 60_000,
  };
}

function drawStore(rng: Rng): StoreTrouble {
  return {
    lost: rng.pick([0, 0.05]),
    committedThenLost: rng.pick([0, 0.1]),
    lateCommit: rng.pick([0, 0.05]),
    slow: rng.pick([0, 0.1]),
  };
}

function drawSeams(rng: Rng): Map<number, 'crash' | 'freeze'> {
  const seams = new Map<number, 'crash' | 'freeze'>();
  for (let i = rng.between(0, 3); i > 0; i--) {
    // the first steps of an attempt matter most: look-up, claim, answer, save
    seams.set(rng.chance(0.7) ? rng.between(1, 12) : rng.between(1, 80), rng.pick(['crash', 'freeze']));
  }
  return seams;
}
