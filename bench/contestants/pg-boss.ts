import { createHash } from 'node:crypto';
import PgBoss from 'pg-boss';
import { startBenchWorker } from '../support/bench-worker';
import { CompletedJobs } from '../support/completed-jobs';
import { BOSS_QUEUE } from '../workers/pg-boss-contract';
import type { Contestant } from './contestant';

/** A queue in Postgres; the id of a job is a UUID, made of ours. It has no way to wait: the table is looked at. */
export const pgBoss: Contestant = {
  name: 'pg-boss',
  title: 'pg-boss',
  packages: ['pg-boss'],
  async open(world) {
    const postgres = await world.postgres();
    const databaseUrl = await postgres.createDatabase('pg_boss');
    const boss = new PgBoss({ connectionString: databaseUrl, supervise: false, schedule: false });
    boss.on('error', console.error);
    await boss.start();
    await boss.createQueue(BOSS_QUEUE);
    const worker = await startBenchWorker(world, 'pg-boss', { modelUrl: world.model.baseUrl, databaseUrl });
    const completed = new CompletedJobs(boss);
    return {
      async run({ id, prompt }) {
        const bossId = uuidOf(id);
        const isNew = await boss.send(BOSS_QUEUE, { id, prompt }, { id: bossId, expireInSeconds: 30 });
        return isNew ? completed.wait(bossId) : ((await completed.read(bossId)) ?? completed.wait(bossId));
      },
      remembers: true,
      worker,
      servers: [postgres.pid],
      async stop() {
        await worker.stop();
        completed.close();
        await boss.stop({ graceful: false });
      },
    };
  },
};

/** The same for the same id. */
function uuidOf(id: string): string {
  const hex = createHash('sha1').update(id).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
