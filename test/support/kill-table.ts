import type { JobRecord } from '../../src/job';
import type { OnUnknown } from '../../src/once/policy';
import { type AnyCrashPoint, CRASH_POINTS, OPERATION_POINTS } from './crash-points';

export type Recovery = 'stored' | 'background' | 'none';

/** One cell of the kill table. */
export interface Cell {
  point: AnyCrashPoint;
  recovery: Recovery;
  onUnknown: OnUnknown;
}

/** What a death comes to: calls in the provider's ledger, and the record. */
export interface Expected {
  billed: number;
  record: Partial<JobRecord>;
}

export const RESULT = { normalized_title: 'The Thing (1982)', category: 'film' };

/** A COMPLETED record. */
export function done(source: JobRecord['source'], attempts: number): Partial<JobRecord> {
  return {
    ...{ status: 'COMPLETED', source, attempts, result: RESULT, billed: 'yes', doubt: null, error: null },
  };
}

const IN_DOUBT: Partial<JobRecord> = { status: 'IN_DOUBT', billed: 'unknown', attempts: 1, result: null };
const FAILED = {
  ...{ status: 'FAILED', billed: 'unknown', attempts: 1, result: null },
  error: { code: 'outcome_unknown' },
} as Partial<JobRecord>;

/** What a worker's death leaves behind it. */
type Left =
  /** Nothing was written, or the answer was: as if there had been no death. */
  | 'nothing_open'
  /** A claim whose call was never sent; nobody can know that. */
  | 'unsent'
  /** A call that was paid for, whose answer the provider can be asked for. */
  | 'findable'
  /** A call that was paid for, and nobody can be asked. */
  | 'lost';

/** By point, then recovery; the life of an operation is `background`'s alone. */
const LEFT: Record<AnyCrashPoint, Partial<Record<Recovery, Left>>> = {
  before_claim: { stored: 'nothing_open', background: 'nothing_open', none: 'nothing_open' },
  after_claim: { stored: 'unsent', background: 'unsent', none: 'unsent' },
  before_send: { stored: 'unsent', background: 'unsent', none: 'unsent' },
  after_operation_started: { background: 'lost' },
  after_operation_saved: { background: 'findable' },
  in_call: { stored: 'findable', background: 'findable', none: 'lost' },
  after_answer: { stored: 'findable', background: 'findable', none: 'lost' },
  before_save: { stored: 'findable', background: 'findable', none: 'lost' },
  after_save: { stored: 'nothing_open', background: 'nothing_open', none: 'nothing_open' },
  before_report: { stored: 'nothing_open', background: 'nothing_open', none: 'nothing_open' },
  before_workflow_completes: { stored: 'nothing_open', background: 'nothing_open', none: 'nothing_open' },
};

const POLICIES = ['hold', 'rerun', 'fail'] as const;

/** Every cell: the points in the life of any call, and for `background` those in the life of its operation. */
export const CELLS: readonly Cell[] = (['stored', 'background', 'none'] as const).flatMap((recovery) =>
  POLICIES.flatMap((onUnknown) =>
    (recovery === 'background' ? [...CRASH_POINTS, ...OPERATION_POINTS] : CRASH_POINTS).map((point) => ({
      ...{ point, recovery, onUnknown },
    })),
  ),
);

const SOME_CELLS: readonly Cell[] = CELLS.filter(({ point, recovery, onUnknown }) => {
  const turn = CELLS.filter((cell) => cell.onUnknown === 'hold').findIndex(
    (cell) => cell.point === point && cell.recovery === recovery,
  );
  return onUnknown === POLICIES[turn % POLICIES.length];
});

/**
 * What a store beside SQLite goes through: what a policy decides does not hang on the store, so of every point and
 * recovery one cell, the policies in turn. `KILL_TABLE=whole` has them all.
 */
export const STORE_CELLS: readonly Cell[] = process.env.KILL_TABLE === 'whole' ? CELLS : SOME_CELLS;

/** The one outcome that a cell of the table may have. */
export function expectedOf({ point, recovery, onUnknown }: Cell): Expected {
  const left = LEFT[point][recovery];
  if (!left) throw new Error(`the table has no cell for ${point} with ${recovery}`);
  if (left === 'nothing_open') return { billed: 1, record: done('inference', 1) };
  // an operation's answer is not searched for: it is fetched by its id, as it would have been
  if (left === 'findable')
    return { billed: 1, record: done(recovery === 'background' ? 'inference' : 'recovered', 1) };
  const paid = left === 'lost' ? 1 : 0;
  if (onUnknown === 'hold') return { billed: paid, record: IN_DOUBT };
  if (onUnknown === 'fail') return { billed: paid, record: FAILED };
  return { billed: paid + 1, record: done('inference', 2) };
}
