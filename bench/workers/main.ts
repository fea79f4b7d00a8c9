import type { WorkerSettings } from '../support/bench-worker';

/** A contestant's worker: resolves when it takes jobs, with what it has to tell. */
export type Work = (settings: WorkerSettings) => Promise<unknown>;

/** Runs the worker that is named, until it is killed or the process that started it has ended. */
async function main(): Promise<void> {
  process.on('disconnect', () => process.exit(0));
  const { work } = (await import(`./${process.argv[2]}.js`)) as { work: Work };
  const told = await work(JSON.parse(process.env.BENCH_SETTINGS!) as WorkerSettings);
  process.send!({ told });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
