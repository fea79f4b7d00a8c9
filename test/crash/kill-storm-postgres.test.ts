import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { type PostgresServer, startPostgres } from '../support/postgres-server';
import { runKillStorm, stormTimeoutMs } from '../support/run-kill-storm';

/** `npm run test:crash -- --jobs 1000` sets it. */
const JOBS = Number(process.env.CRASH_JOBS ?? 200);

let server: PostgresServer;
let world: CrashWorld;
beforeAll(async () => {
  server = await startPostgres('max_connections=500');
  world = await startCrashWorld({ makeStore: () => server.createDatabase() });
  await world.model.rules({ match: {}, do: { delay_ms: 300 } });
});
afterAll(async () => {
  await world.stop();
  await server.stop();
});

test(
  `two workers on one PostgreSQL killed at random under ${JOBS} jobs: each is answered, by one call`,
  () => runKillStorm(world, 'killed', JOBS),
  stormTimeoutMs(JOBS),
);

endsWithPromisesKept(() => world);
