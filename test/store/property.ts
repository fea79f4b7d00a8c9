import fc from 'fast-check';
import type { ResultStore } from '../../src/store/store';
import { command, type Planned } from './property-commands';
import { expectSame, ModelStore, type Recorded } from './property-model';

const RUNS = 1000;
const MOST_COMMANDS = 50;
/** A slow disk takes its time over 50,000 durable writes. */
const TIME_OUT_MS = 600_000;

/** At once on one job, as several workers and clients would: up to four commands. */
const step = fc.array(command, { minLength: 1, maxLength: 4 });
const plan = fc.array(step, { maxLength: MOST_COMMANDS, size: 'max' });

/**
 * Random commands of several actors, with right and stale tokens, must leave a store as they leave a plain
 * map: the same answers, the same row, the same blobs.
 *
 * @param runs - default 1,000; fewer where the server of the tests is much slower than the real one
 */
export function describeProperties(
  name: string,
  open: () => Promise<{ store: ResultStore; cleanup(): void | Promise<void> }>,
  runs = RUNS,
): void {
  test(
    `the ${name} store does in ${runs} random runs what a plain map does`,
    async () => {
      const { store, cleanup } = await open();
      await fc.assert(doesWhatAMapDoes(store), { numRuns: runs });
      await cleanup();
    },
    TIME_OUT_MS,
  );
}

/** The property itself; one store for all runs, each with a key of its own. */
export function doesWhatAMapDoes(store: ResultStore) {
  let runs = 0;
  return fc.asyncProperty(plan, async (steps) => {
    runs += 1;
    await playRun(store, `acme/run-${runs}`, steps);
  });
}

async function playRun(store: ResultStore, key: string, steps: Planned[][]): Promise<void> {
  const model = new ModelStore(key);
  let commands = 0;
  for (const planned of steps) {
    if (commands >= MOST_COMMANDS) return;
    commands += planned.length;
    await playStep(store, key, model, planned);
  }
}

async function playStep(
  store: ResultStore,
  key: string,
  model: ModelStore,
  planned: Planned[],
): Promise<void> {
  const rules = planned.map((command) => model.ruleOf(command));
  const recorded: Recorded[] = [];
  const answers = await Promise.all(
    rules.map((rule, i) =>
      store.update(key, (row, now) => {
        // a store may decide over a snapshot first: the last call is the one that counts
        recorded[i] = { row, now, order: model.nextOrder() };
        return rule(row, now);
      }),
    ),
  );
  expectSame(answers, model.apply(rules, recorded));
  expectSame((await store.read(key)).job, model.row);
  for (const blob of model.blobNames()) expectSame(await store.readBlob(key, blob), model.blob(blob));
}
