import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  isSettled,
  type JobArgument,
  type JobRecord,
  MEMO_DIGEST,
  MEMO_RECORD,
  parseJobKey,
  pendingRecord,
} from '../job';
import { recordAttributes } from './attributes';
import {
  type InferOutcome,
  type JobActivities,
  RECORD_QUERY,
  RESOLVE_UPDATE,
  type ResolveRequest,
  SETTLED_SIGNAL,
} from './contract';
import { describeEnd, describeProgress } from './details';
import { workflowSettings } from './settings';
import { checkArgument, checkResolve } from './validate';

export const recordQuery = defineQuery<JobRecord>(RECORD_QUERY);
export const resolveUpdate = defineUpdate<JobRecord, [ResolveRequest]>(RESOLVE_UPDATE);
export const settledSignal = defineSignal(SETTLED_SIGNAL);

/**
 * One logical job: its id is the `job_id` (or `tenant/job_id`). Durable control only: the store decides
 * what may be called, and what the answer is.
 *
 * @returns the record of a COMPLETED job
 * @throws ApplicationFailure of the record's error code, the record in its details, where it FAILED
 */
export function inferenceJob(arg: JobArgument): Promise<JobRecord> {
  checkArgument(arg);
  return new Run(arg).untilSettled();
}

/** Every promise here costs the worker a stack trace, which the SDK keeps: a job that goes well makes few. */
class Run {
  private record: JobRecord | null = null;
  private storeId: string | undefined;
  private hasAttributes = false;
  /** Counts what may have changed the record from outside: a decision, a signal. */
  private wakes = 0;

  constructor(private readonly arg: JobArgument) {
    this.storeId = arg.store_id;
    setHandler(recordQuery, () => this.record ?? this.unknownYet(), {
      description: 'The record as this run knows it',
    });
    setHandler(settledSignal, () => {
      this.wakes += 1;
    });
    setHandler(resolveUpdate, (request) => this.resolve(request), {
      validator: checkResolve,
      description: 'Settles a doubt: {"action": "rerun" | "adopt" | "abandon", "doubt": N, "by": "you"}',
    });
    setCurrentDetails(describeProgress(arg, null));
  }

  async untilSettled(): Promise<JobRecord> {
    for (let checks = 0, token = 0; ; ) {
      const wakesBefore = this.wakes;
      const outcome = await this.inferOrCancel(checks);
      if (outcome.kind === 'mismatch') return this.endMismatched();
      this.learn(outcome.record, outcome.search_attributes);
      if (outcome.kind === 'settled') {
        const last = isOver(outcome.record) ? outcome.record : await this.reread(outcome.record);
        if (last) return this.end(last);
        checks = 0;
        continue;
      }
      const woken = await this.waitFor(outcome.check_after_ms, wakesBefore);
      // another state is looked at from its beginning, however long the one before lasted
      const isNew = token !== 0 && token !== outcome.record.token;
      token = outcome.record.token;
      checks = woken || isNew ? 0 : checks + 1;
      if (workflowInfo().continueAsNewSuggested) await this.untilHandled();
      // a run that is canceled, also while it waited, ends here: the next one would not know of it
      if (workflowInfo().continueAsNewSuggested && !isCanceled()) await this.continueAsNew();
    }
  }

  private unknownYet(): JobRecord {
    const { workflowId, memo, startTime } = workflowInfo();
    const digest = memo?.[MEMO_DIGEST];
    const { jobId } = parseJobKey(workflowId);
    return pendingRecord(jobId, this.arg.task, typeof digest === 'string' ? digest : '', startTime);
  }

  /** `infer`, or, where the job is canceled outside of it, the cancellation written by itself. */
  private async inferOrCancel(checks: number): Promise<InferOutcome> {
    try {
      const outcome = await this.activity().infer({ ...this.arg, store_id: this.storeId, checks });
      this.storeId = outcome.store_id;
      return outcome;
    } catch (error) {
      // an activity that ends badly after its cancel was asked for is not tried again: it may never have heard
      if (!isCancellation(error) && !isCanceled()) throw plainFailure(error);
      return this.cancel();
    }
  }

  private activity(): Pick<JobActivities, 'infer'> {
    const settings = workflowSettings();
    const { startToCloseMs } = settings.tasks[this.arg.task] ?? settings;
    return proxyActivities<Pick<JobActivities, 'infer'>>({
      startToCloseTimeout: startToCloseMs,
      heartbeatTimeout: settings.heartbeatTimeoutMs,
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      // waits that are wanted come with the failure; this one is for a dead worker's job, which goes on soon
      retry: { initialInterval: '1 second', maximumInterval: '10 seconds' },
      summary: this.arg.task,
    });
  }

  /** Reads and writes of the record: short, and tried until the store is back. */
  private records(): Pick<JobActivities, 'decideDoubt' | 'cancelJob' | 'readRecord'> {
    return proxyActivities<Pick<JobActivities, 'decideDoubt' | 'cancelJob' | 'readRecord'>>({
      startToCloseTimeout: '1 minute',
      heartbeatTimeout: workflowSettings().heartbeatTimeoutMs,
      retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
    });
  }

  private async cancel(): Promise<InferOutcome> {
    const record = await CancellationScope.nonCancellable(() =>
      this.records().cancelJob({ ...this.arg, store_id: this.storeId }),
    );
    const store_id = this.storeId ?? '';
    if (!record) return { kind: 'mismatch', store_id };
    return { kind: 'settled', record, store_id, check_after_ms: 0, search_attributes: this.hasAttributes };
  }

  private async resolve(request: ResolveRequest): Promise<JobRecord> {
    const record = await CancellationScope.nonCancellable(() =>
      this.records().decideDoubt({ ...request, store_id: this.storeId }),
    );
    // readers without a store would else be shown a doubt that is settled, all through a rerun's call
    this.remember(record);
    this.wakes += 1;
    return record;
  }

  /** Waits to look again. A cancel on hold ends the wait; the next `infer` then finds it canceled. */
  private async waitFor(ms: number, wakesBefore: number): Promise<boolean> {
    setCurrentDetails(describeProgress(this.arg, this.record));
    try {
      return await condition(() => this.wakes !== wakesBefore, ms);
    } catch (error) {
      if (isCancellation(error)) return true;
      throw error;
    }
  }

  /** A round that was under way during a decision tells of an older record. */
  private remember(record: JobRecord): void {
    if (record.token >= (this.record?.token ?? 0)) this.record = record;
  }

  private learn(record: JobRecord, hasAttributes = this.hasAttributes): void {
    // a call that still runs at the provider: nothing that a list would show has changed
    const isSame = record.status === 'IN_PROGRESS' && record.token === this.record?.token;
    this.remember(record);
    this.hasAttributes = hasAttributes;
    if (isSame) return;
    if (this.hasAttributes) upsertSearchAttributes(recordAttributes(record));
  }

  /**
   * The last act of a run, after all update handlers: the record as it is now, or null where it was
   * opened again. One that {@link isOver} but for a handler is waited for, and not read again.
   */
  private async reread(record: JobRecord): Promise<JobRecord | null> {
    await this.untilHandled();
    if (record.status === 'COMPLETED') return record;
    const wakesBefore = this.wakes;
    const last = await CancellationScope.nonCancellable(() =>
      this.records().readRecord({ store_id: this.storeId }),
    );
    // a decision that came during the read: it must be answered, and the record read after it
    if (!allHandlersFinished() || this.wakes !== wakesBefore) return this.reread(record);
    if (!last || !isSettled(last.status)) return null;
    if (last.token !== record.token) this.learn(last);
    return last;
  }

  private end(record: JobRecord): JobRecord {
    setCurrentDetails(describeEnd(record));
    switch (record.status) {
      case 'COMPLETED':
        return record;
      case 'CANCELED':
        // the details of a cancellation do not reach the server
        upsertMemo({ [MEMO_RECORD]: record });
        throw new CancelledFailure(`job ${record.job_id} was canceled`, [record]);
      case 'FORGOTTEN':
        throw ApplicationFailure.nonRetryable(`job ${record.job_id} was forgotten`, 'forgotten', record);
      default:
        throw ApplicationFailure.nonRetryable(record.error?.message ?? '', record.error?.code, record);
    }
  }

  private endMismatched(): never {
    throw ApplicationFailure.nonRetryable(
      'this id belongs to a job with another task or input; the first one stands',
      'input_mismatch',
    );
  }

  private async untilHandled(): Promise<void> {
    // a scope has every promise of the worker's thread tracked
    if (allHandlersFinished()) return;
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }

  private async continueAsNew(): Promise<never> {
    return continueAsNew<typeof inferenceJob>({ ...this.arg, store_id: this.storeId });
  }
}

/** COMPLETED can't change any more: a job that went well, and of which nobody asks anything, pays for no second look. */
function isOver({ status }: JobRecord): boolean {
  return status === 'COMPLETED' && allHandlersFinished();
}

/** True once the run was asked to cancel. */
function isCanceled(): boolean {
  return CancellationScope.current().consideredCancelled;
}

/** The activity's own failure, so that the run fails by its type and message. */
function plainFailure(error: unknown): unknown {
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure ? error.cause : error;
}
