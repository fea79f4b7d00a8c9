import { createRng } from '../sim/rng';
import { endsWithPromisesKept } from '../support/crash-history';
import { type CrashWorld, startCrashWorld } from '../support/crash-world';
import { streamJobs } from '../support/job-stream';
import { killWorkers } from '../support/kill-storm';
import { type PostgresServer, startPostgres } from '../support/postgres-server';

/** `npm run test:crash -- --jobs 1000` sets it. */
const JOBS = Number(process.env.CRASH_JOBS ?? 200);
const AT_ONCE = 16;

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
  async () => {
    const lane = await world.openLane('killed');
    const spec = { program: 'command', onUnknown: 'rerun', env: { INFER_ONCE_CALL_TIMEOUT: '3s' } } as const;
    const decisions: string[] = [];
    const began = performance.now();
    const jobs = streamJobs(lane, 'killed', {
      ...{ streams: AT_ONCE, jobs: JOBS },
      // the policy runs a job again once; one that was hit twice before its call was sent waits for a person
      decide({ job_id, token }) {
        decisions.push(job_id);
        return lane.jobs.resolve(job_id, { action: 'rerun', doubt: token, by: 'ann' });
      },
    });
    const rng = createRng(Number(process.env.CRASH_SEED ?? 1));
    const kills = await killWorkers(lane, spec, rng, jobs.ended);
    await jobs.ended;
    const seconds = (performance.now() - began) / 1000;

    const records = await Promise.all(jobs.ids.map(async (id) => (await lane.jobs.get(id))!));
    expect(records).toHaveLength(JOBS);
    expect(records.filter(({ status }) => status !== 'COMPLETED')).toEqual([]);
    expect(records.filter(({ job_id }) => world.model.billed(job_id) !== 1)).toEqual([]);
    const recovered = records.filter(({ source }) => source === 'recovered').length;
    // deaths that hit no call have shown nothing
    expect(recovered).toBeGreaterThan(0);
    const again = records.filter(({ attempts }) => attempts > 1).length;
    process.stdout.write(
      `${JOBS} jobs, ${kills} workers killed in ${seconds.toFixed(0)} s: ${JOBS} calls billed, ` +
        `${recovered} answers recovered, ${again} claims that sent nothing claimed again, ${decisions.length} decisions\n`,
    );
  },
  120_000 + JOBS * 2_000,
);

endsWithPromisesKept(() => world);
