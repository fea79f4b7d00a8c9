import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { add, emptySummary, findIdle, type Summary, simulateMany } from './batch';
import { tryToCatch } from './catch';
import { Sources } from './loader';
import { MUTANTS } from './mutants';
import { simulate } from './simulate';

const USAGE = `npm run sim -- [options]
  --seeds N     simulate N seeds (default 20000)
  --from N      the first of them (default 1)
  --threads N   at once (default: the processors)
  --seed N      play one seed and print its history
  --mutants     break the protocol in every way of test/sim/mutants.ts; each has to be caught
  --json        the summary as one line of JSON`;

const OPTIONS = {
  seeds: { type: 'string', default: '20000' },
  from: { type: 'string', default: '1' },
  threads: { type: 'string', default: String(availableParallelism()) },
  seed: { type: 'string' },
  mutants: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** Seeds that a thread is given at a time. */
const PORTION = 500;

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return say(USAGE);
  if (values.seed !== undefined) return playOne(Number(values.seed));
  if (values.mutants) return catchMutants(values.json ?? false);
  const from = Number(values.from);
  const to = from + Number(values.seeds) - 1;
  if (!Number.isSafeInteger(to) || to < from) throw new Error('--seeds and --from are whole numbers');
  return runMany(from, to, Math.max(1, Number(values.threads)), values.json ?? false);
}

function say(text: string): true {
  console.log(text);
  return true;
}

async function playOne(seed: number): Promise<boolean> {
  const { history, violations } = await simulate(seed, { history: true });
  for (const { at, who, what } of history) {
    console.log(`${(at / 1000).toFixed(3).padStart(9)}  ${who.padEnd(12)} ${what}`);
  }
  for (const { invariant, text } of violations) console.log(`\nbroken: ${invariant} ${text}`);
  return violations.length === 0;
}

async function runMany(from: number, to: number, threads: number, json: boolean): Promise<boolean> {
  const began = performance.now();
  const sum = await spread(from, to, threads, (done) => {
    if (!json && process.stderr.isTTY) process.stderr.write(`\r${done} of ${to - from + 1} seeds`);
  });
  const seconds = (performance.now() - began) / 1000;
  const idle = findIdle(sum);
  if (json) console.log(JSON.stringify({ ...sum, idle, seconds }));
  else report(sum, idle, seconds);
  return sum.failed.length === 0 && idle.length === 0;
}

/** Deals portions of seeds out to threads. */
function spread(
  from: number,
  to: number,
  threads: number,
  progress: (done: number) => void,
): Promise<Summary> {
  const sum = emptySummary();
  let next = from;
  const deal = (): [number, number] | null => {
    if (next > to) return null;
    const portion: [number, number] = [next, Math.min(to, next + PORTION - 1)];
    next = portion[1] + 1;
    return portion;
  };
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(join(__dirname, 'sim.js'), {
        workerData: 'seeds',
        // most of what a seed makes is garbage at once: with room for it the collector has little to do
        resourceLimits: { maxYoungGenerationSizeMb: 64 },
      });
      const give = (): void => worker.postMessage(deal());
      worker.on('message', (part: Summary) => {
        add(sum, part);
        progress(sum.seeds);
        give();
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      give();
    });
  return Promise.all(Array.from({ length: threads }, one)).then(() => sum);
}

function serve(): void {
  const sources = new Sources();
  parentPort!.on('message', (portion: [number, number] | null) => {
    if (!portion) return parentPort!.close();
    simulateMany(portion[0], portion[1], sources).then((part) => parentPort!.postMessage(part));
  });
}

function report(sum: Summary, idle: string[], seconds: number): void {
  const names = Object.keys(sum.counts).sort();
  console.log(`\n${names.map((name) => `${String(sum.counts[name]).padStart(9)}  ${name}`).join('\n')}`);
  const pace = `${((seconds * 1000) / sum.seeds).toFixed(2)} ms a seed`;
  console.log(`${sum.seeds} seeds, ${sum.events} events, ${seconds.toFixed(1)} s (${pace})`);
  for (const { seed, violations } of sum.failed.slice(0, 10)) {
    const { invariant, text } = violations[0]!;
    console.log(`seed ${seed}: ${invariant} ${text}\n  play it again: npm run sim -- --seed ${seed}`);
  }
  for (const what of idle) console.log(`too little happened: ${what}`);
  console.log(
    sum.failed.length > 0 ? `${sum.failed.length} seeds or more FAILED` : 'no invariant was broken',
  );
}

async function catchMutants(json: boolean): Promise<boolean> {
  const fates = [];
  for (const mutant of MUTANTS) {
    const fate = await tryToCatch(mutant).catch((error: Error) => ({
      name: mutant.name,
      caught: null,
      error: error.message,
    }));
    fates.push(fate);
    const { caught } = fate;
    const how = caught
      ? `${caught.invariant.padEnd(7)} seed ${caught.seed}`
      : `NOT CAUGHT${'error' in fate ? `: ${fate.error}` : ''}`;
    if (!json) console.log(`${fate.name.padEnd(78)} ${how}`);
  }
  if (json) console.log(JSON.stringify(fates));
  return fates.every(({ caught }) => caught !== null);
}

if (!isMainThread && workerData === 'seeds') serve();
else {
  main().then(
    (isFine) => {
      process.exitCode = isFine ? 0 : 1;
    },
    (error: Error) => {
      console.error(error.message);
      process.exitCode = 2;
    },
  );
}
