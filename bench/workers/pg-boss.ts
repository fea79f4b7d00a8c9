import PgBoss from 'pg-boss';
import { CONCURRENCY } from '../contestants/contestant';
import { openModel } from '../support/model';
import type { Work } from './main';
import { BOSS_QUEUE } from './pg-boss-contract';

/** As often as it can be; by default every 2 s. */
const POLL_SECONDS = 0.5;
/** How often jobs that took too long are looked for; by default every 2 minutes. */
const MAINTENANCE_SECONDS = 10;

/** Many pollers, of one job each: its way to have many calls at once. */
export const work: Work = async ({ modelUrl, databaseUrl }) => {
  const model = openModel(modelUrl);
  const boss = new PgBoss({
    connectionString: String(databaseUrl),
    maintenanceIntervalSeconds: MAINTENANCE_SECONDS,
    schedule: false,
  });
  boss.on('error', console.error);
  await boss.start();
  for (let poller = 0; poller < CONCURRENCY; poller += 1) {
    const options = { pollingIntervalSeconds: POLL_SECONDS };
    await boss.work<{ id: string; prompt: string }>(BOSS_QUEUE, options, async ([job]) =>
      model.call(job!.data),
    );
  }
};
