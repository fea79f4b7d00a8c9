import type { JobRecord } from '../../src/job';
import { endsWithPromisesKept } from './crash-history';
import { type CrashWorld, startCrashWorld } from './crash-world';
import { CELLS, type Cell, expectedOf } from './kill-table';
import { runKilledJob } from './killed-job';

/**
 * Registers a kill table, over stores of one kind.
 *
 * @param cells - default: the whole table
 * @param makeStore - makes a new store of this name; gives its URL. Default: a SQLite file
 * @param storeEnv - what the store's driver is told in each worker; default nothing
 */
export function describeKillTable(
  cells: readonly Cell[] = CELLS,
  makeStore?: (name: string) => Promise<string>,
  storeEnv?: Record<string, string>,
): void {
  let world: CrashWorld;
  beforeAll(async () => {
    world = await startCrashWorld({ makeStore, storeEnv });
  });
  afterAll(() => world.stop());

  test.concurrent.each(cells)(
    'a worker killed at $point, recovery $recovery, policy $onUnknown: exactly the calls and the record of the table',
    async (cell) => {
      const name = nameOf(cell);
      const { record, billed } = await runKilledJob(world, name, cell);
      expect({ billed, record }).toMatchObject(expectedOf(cell));
      if (record.status === 'IN_DOUBT') {
        expect(record.doubt).toMatchObject({ token: record.token, recovering: false });
      } else await expectRunEndsAs(world, name, record);
    },
    180_000,
  );

  endsWithPromisesKept(() => world);
}

function nameOf({ point, recovery, onUnknown }: Cell): string {
  return `${point}-${recovery}-${onUnknown}`;
}

/** Temporal's own reader sees what the store's readers see. */
async function expectRunEndsAs(world: CrashWorld, name: string, record: JobRecord): Promise<void> {
  const ended = await world.client.workflow
    .getHandle(name)
    .result()
    .catch((error) => error.cause);
  if (record.status === 'COMPLETED') expect(ended).toEqual(record);
  else expect(ended).toMatchObject({ type: record.error?.code, details: [record] });
}
