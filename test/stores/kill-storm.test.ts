import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { AWS_CHILD_ENV } from '../support/moto-server';
import { runKillStorm, stormTimeoutMs } from '../support/run-kill-storm';
import { STORE_SERVERS, type StoreServer } from '../support/store-servers';

/** `CRASH_JOBS=1000 npm run test:stores -- kill-storm` sets it. */
const JOBS = Number(process.env.CRASH_JOBS ?? 60);
// PostgreSQL's is among the crash tests
const NAMES = ['Redis', 'DynamoDB'] as const;

const servers = new Map<string, StoreServer>();
let world: CrashWorld;
beforeAll(async () => {
  for (const name of NAMES) servers.set(name, await STORE_SERVERS[name]());
  world = await startCrashWorld({
    makeStore: (name) => servers.get(name)!.newStore(),
    storeEnv: AWS_CHILD_ENV,
  });
  await world.model.rules({ match: {}, do: { delay_ms: 500 } });
});
afterAll(async () => {
  await world.stop();
  for (const server of servers.values()) await server.stop();
});

test.each(NAMES)(
  `two workers on one %s killed at random under ${JOBS} jobs: each is answered, by one call`,
  (name) => runKillStorm(world, name, JOBS),
  stormTimeoutMs(JOBS),
);

endsWithPromisesKept(() => world);
