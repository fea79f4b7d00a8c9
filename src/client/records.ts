import type { Client } from '@temporalio/client';
import type { Digester } from '../encryption/digester';
import { WrongStateError } from '../errors';
import { isSettled, type JobRecord, parseJobKey, type ReopenPermit } from '../job';
import { loadRecord } from '../once/record';
import { restore } from '../once/rules/restore';
import type { JobSeed } from '../once/rules/row';
import { meetRetry, submit } from '../once/rules/submit';
import type { ResultStore } from '../store/store';
import { latestRecord } from './history';
import { findRun, type JobRun, recordOfRun } from './runs';

/** How a submission or a retry meets what is known of the job. */
export interface Met {
  kind: 'start' | 'reopen' | 'replay' | 'mismatch' | 'forgotten' | 'in_doubt';
  record: JobRecord | null;
  permit?: ReopenPermit;
  /** Where the input is held beside the record, so that a start need not carry it. */
  hasInput: boolean;
}

/** Where a client reads records: the store, or Temporal alone. */
export interface Records {
  /** The store's id, for the run's argument. */
  readonly storeId: string | undefined;
  meet(seed: JobSeed): Promise<Met>;
  meetRetry(key: string): Promise<Met>;
  read(key: string): Promise<JobRecord | null>;
  /**
   * A run completed before, and the record does not know it: take its result over.
   *
   * @throws WrongStateError where that can't be done, and nothing but a backup helps
   */
  restore(key: string, run: JobRun): Promise<void>;
}

/** Records out of the store that the workers use. */
export function storeRecords(client: Client, store: ResultStore, { keyed }: Digester): Records {
  const read = async (key: string) => {
    const { job } = await store.read(key);
    return job && loadRecord(store, job);
  };
  return {
    storeId: store.id,
    read,
    async meet(seed) {
      const met = await store.update(seed.key, submit(seed));
      const kind = met.kind === 'created' || met.kind === 'unsettled' ? 'start' : met.kind;
      const record = await loadRecord(store, met.row);
      const permit = met.kind === 'reopen' ? met.permit : undefined;
      return { kind, record, permit, hasInput: met.row.input_digest === seed.input_digest };
    },
    async meetRetry(key) {
      const { job } = await store.read(key);
      if (!job) return { kind: 'start', record: null, hasInput: false };
      const met = meetRetry(job);
      const record = await loadRecord(store, job);
      const kind = met.kind === 'settled' ? 'replay' : met.kind;
      return { kind, record, permit: met.kind === 'reopen' ? met.permit : undefined, hasInput: true };
    },
    async restore(key, run) {
      const { jobId } = parseJobKey(key);
      const record = await recordOfRun(client, key, run);
      const lost = () =>
        new WrongStateError(
          jobId,
          'Temporal holds its completed run, the store has lost its record; restore the store from a backup',
        );
      if (!record || record.result_ref) throw lost();
      const row = await store.update(key, restore({ ...record, input_digest: keyed(record.input_digest) }));
      if (!row || isSettled(row.status)) return;
      // of another life than the record: it goes on where a run of its own has come meanwhile
      if ((await findRun(client, key))?.runId === run.runId) throw lost();
    },
  };
}

/** Records out of Temporal alone: the latest run that speaks of the job. */
export function runRecords(client: Client, { keyed }: Digester): Records {
  /** What was told before there were keys, as it would be told today. */
  const asToday = (record: JobRecord | null) =>
    record && { ...record, input_digest: keyed(record.input_digest) };
  const latest = async (key: string) => {
    const run = await findRun(client, key);
    return { run, record: asToday(run && (await recordOfRun(client, key, run))) };
  };
  return {
    storeId: undefined,
    read: async (key) => asToday(await latestRecord(client, key)),
    async meet(seed) {
      const { run, record } = await latest(seed.key);
      // a token of 0: the run has not heard of its record yet
      if (!run || !record?.token) return { kind: 'start', record, hasInput: false };
      const isSame = record.input_digest === seed.input_digest;
      const isReplaceable = record.error?.code === 'invalid_input' && record.attempts === 0;
      // an open run that knows a record has the id: with another input, and on hold, it would be waited for in vain
      if (!isSame && !isReplaceable && record.status !== 'FORGOTTEN') {
        return { kind: 'mismatch', record, hasInput: false };
      }
      if (run.isOpen) return { kind: 'start', record, hasInput: false };
      if (record.status === 'FORGOTTEN') return { kind: 'forgotten', record, hasInput: false };
      const isFree = record.billed === 'no' && record.status !== 'COMPLETED';
      if (!isFree) return { kind: 'replay', record, hasInput: false };
      return { kind: 'reopen', record, permit: { token: record.token }, hasInput: false };
    },
    async meetRetry(key) {
      const { run, record } = await latest(key);
      const met = { record, hasInput: false };
      if (record?.status === 'IN_DOUBT') return { ...met, kind: 'in_doubt' };
      if (!run || run.isOpen || !record) return { ...met, kind: 'start' };
      if (record.status === 'FORGOTTEN') return { ...met, kind: 'forgotten' };
      if (record.status === 'COMPLETED') return { ...met, kind: 'replay' };
      return { ...met, kind: 'reopen', permit: { token: record.token, paid: true } };
    },
    // the run is the record
    restore: async () => undefined,
  };
}
