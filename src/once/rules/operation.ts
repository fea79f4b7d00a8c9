import type { Decide, StoredCall, StoredJob } from '../../store/store';
import { isOwner, openCalls, patchCall } from './row';
import type { Claimed, Settled } from './settle';

/** A call that the provider runs by itself, under an id that it gave. */
export interface RunningCall extends StoredCall {
  operation: string;
}

/**
 * Saves the id that the provider gave to a call (PROTOCOL 3 `resume`). The owner's drops the lease: from
 * here on the answer does not hang on any process. Of a claim that was lost by then it is evidence: kept
 * beside its call, to be asked for where the call is in doubt and deleted by `forget`. The token stays
 * in any case.
 */
export function saveOperation(claimed: Claimed, operation: string): Decide<Settled> {
  return (row, now) => {
    if (!row || !openCalls(row).some((call) => call.call_id === claimed.call_id)) {
      return { returns: { row, fate: 'dropped' } };
    }
    const owned = isOwner(row, claimed);
    const calls = patchCall(row, claimed.call_id, { operation });
    const job: StoredJob = { ...row, calls, updated_at: now, ...(owned && { lease_until: null }) };
    return { returns: { row: job, fate: owned ? 'won' : 'kept' }, job };
  };
}

/** The call that the job waits for, where the provider runs it by itself: no lease, so nothing expires. */
export function resumable(row: StoredJob): RunningCall | null {
  if (row.status !== 'IN_PROGRESS') return null;
  return openOperations(row).find((call) => call.token === row.token) ?? null;
}

/** The calls, of any generation, whose fate is open and for which the provider gave an id. */
export function openOperations(row: StoredJob): RunningCall[] {
  return openCalls(row).filter((call): call is RunningCall => call.operation !== undefined);
}
