import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Command } from 'commander';
import { BACKENDS } from './backends';
import { loadJobs, type Writes } from './jobs';
import { growTo, measureTimes, type Times } from './records';

const count = (text: string) => Number.parseInt(text, 10);
const options = new Command('bench:store')
  .description(
    'Measures the stores on this machine, without Temporal: whole jobs a second, and with --records how long one request takes beside so many completed records.',
  )
  .option('--stores <names>', 'which, by commas', Object.keys(BACKENDS).join())
  .option('--seconds <n>', 'how long each store is measured', count, 10)
  .option('--at-once <n>', 'how many jobs run at once', count, 64)
  .option('--records <n>', 'how many completed records to grow to; the same is measured at 1,000', count)
  .option('--json <file>', 'write the figures there')
  .addHelpText(
    'after',
    '\nExample:\n  npm run bench:store -- --stores postgres --records 1000000 --json store.json',
  )
  .parse()
  .opts<{ stores: string; seconds: number; atOnce: number; records?: number; json?: string }>();

interface Sized {
  store: string;
  records: number;
  bytes: number;
  times: Times;
}

async function main(): Promise<void> {
  const writes: Writes[] = [];
  const sizes: Sized[] = [];
  for (const name of options.stores.split(',')) {
    const open = BACKENDS[name];
    if (!open) throw new Error(`there is no store ${name}; name some of ${Object.keys(BACKENDS).join(', ')}`);
    const backend = await open();
    try {
      for (const records of options.records ? [1_000, options.records] : []) {
        await growTo(backend, records);
        const times = await measureTimes(backend.store);
        sizes.push({ store: name, records, bytes: await backend.bytes(), times });
        console.error(`${name}, ${records} records: ${JSON.stringify(times)}`);
      }
      const load = await loadJobs(name, backend.store, options);
      writes.push(load);
      console.error(
        `${name}: ${Math.round(load.perSecond)} jobs a second, p50 ${load.p50Ms} ms, p99 ${load.p99Ms} ms`,
      );
    } finally {
      await backend.stop();
    }
  }
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
  const figures = { date: new Date().toISOString(), machine, options, writes, sizes };
  if (options.json) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
  else console.log(JSON.stringify(figures, null, 2));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
