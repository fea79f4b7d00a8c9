import { checkHistory, type HistoryEvent, type Violation } from '../../src/dev/check-history';
import type { OfflineModel } from '../../src/dev/offline/client';
import { calledEvents } from '../../src/dev/offline/ledger';
import { loadRecord } from '../../src/once/record';
import type { ResultStore } from '../../src/store/store';
import type { CrashWorld } from './crash-world';

/**
 * The promises of README over everything that was seen in a world: by its clients, in the provider's ledger
 * and in its stores.
 */
export async function brokenPromises(
  model: OfflineModel,
  stores: readonly ResultStore[],
  seen: readonly HistoryEvent[],
): Promise<Violation[]> {
  const recorded = await Promise.all(stores.map(recordedEvents));
  return checkHistory([...seen, ...calledEvents(model.ledger()), ...recorded.flat()]);
}

async function recordedEvents(store: ResultStore): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for (let cursor: string | undefined, isFirst = true; isFirst || cursor; isFirst = false) {
    const page = await store.list({ limit: 1000, cursor });
    for (const row of page.jobs) {
      const record = await loadRecord(store, row);
      events.push({ type: 'recorded', job: record.job_id, record });
      for (const { action, doubt } of record.decisions) {
        if (action === 'rerun')
          events.push({ type: 'allowed', job: record.job_id, why: 'rerun', token: doubt });
      }
    }
    cursor = page.cursor;
  }
  return events;
}

/** Registers the last test of a file: it waits for those before it, and looks at all that they saw. */
export function endsWithPromisesKept(world: () => CrashWorld): void {
  test('all that was seen of all these jobs keeps every promise', async () => {
    expect(await world().brokenPromises()).toEqual([]);
  });
}
