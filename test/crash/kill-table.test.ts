import type { JobRecord } from '../../src/job';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { CELLS, type Cell, expectedOf } from '../support/kill-table';
import { runKilledJob } from '../support/killed-job';

let world: CrashWorld;
beforeAll(async () => {
  world = await startCrashWorld();
});
afterAll(() => world.stop());

const nameOf = ({ point, recovery, onUnknown }: Cell) => `${point}-${recovery}-${onUnknown}`;

test.concurrent.each(CELLS)(
  'a worker killed at $point, recovery $recovery, policy $onUnknown: exactly the calls and the record of the table',
  async (cell) => {
    const name = nameOf(cell);
    const { record, billed } = await runKilledJob(world, name, cell);
    expect({ billed, record }).toMatchObject(expectedOf(cell));
    if (record.status === 'IN_DOUBT') {
      expect(record.doubt).toMatchObject({ token: record.token, recovering: false });
    } else await expectRunEndsAs(name, record);
  },
  180_000,
);

endsWithPromisesKept(() => world);

/** Temporal's own reader sees what the store's readers see. */
async function expectRunEndsAs(name: string, record: JobRecord): Promise<void> {
  const ended = await world.client.workflow
    .getHandle(name)
    .result()
    .catch((error) => error.cause);
  if (record.status === 'COMPLETED') expect(ended).toEqual(record);
  else expect(ended).toMatchObject({ type: record.error?.code, details: [record] });
}
