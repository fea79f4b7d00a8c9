import { JobClient } from '../../src/client';
import { orInterrupted } from '../../src/dev/demo/interrupt';
import { startStack } from '../../src/dev/stack';
import { findFreePort } from '../../src/dev/temporal';
import { openStore } from '../../src/store/open';
import { percentile } from '../report/statistics';
import { openClient } from '../support/open-client';
import { benchCommand, outputFile, wholeNumber } from '../support/options';
import { runCommand, writeFigures } from '../support/run-command';
import type { Scope } from '../support/scope';

const options = benchCommand('bench:recovery')
  .description(
    'Kills a worker (SIGKILL) in mid-call and measures how long the calls that it hit take to their answers, which the provider has and another worker finds. The dead worker is replaced at once.',
  )
  .option('--jobs <n>', 'calls in the air at each kill', wholeNumber(), 20)
  .option('--workers <n>', 'worker processes; with 1 a new one has to start first', wholeNumber(1, 2), 2)
  .option('--kills <n>', 'kills for each setting', wholeNumber(1, 3), 3)
  .option('--json <file>', 'write the figures there', outputFile)
  .addHelpText(
    'after',
    '\nExit: 0 measured, 1 it could not be, 2 usage, 130 Ctrl-C.\n\nExample:\n  npm run bench:recovery -- --kills 1 --json recovery.json',
  )
  .parse()
  .opts<{ jobs: number; workers: number; kills: number; json?: string }>();

/** The defaults first; then ever less, in the order that the configuration asks for. */
const SETTINGS = [
  { lease: '15s', heartbeat: '10s' },
  { lease: '10s', heartbeat: '6s' },
  { lease: '5s', heartbeat: '3s' },
  { lease: '3s', heartbeat: '2s' },
  { lease: '1500ms', heartbeat: '1s' },
];
/** From the kill to the answers of all calls that it hit. */
interface Recovery {
  lease: string;
  heartbeat: string;
  answers: number;
  /** Calls that were lost with their worker. */
  hit: number;
  billed: number;
  /** Seconds. */
  p50: number;
  longest: number;
}

async function measure(scope: Scope, { lease, heartbeat }: (typeof SETTINGS)[number]): Promise<Recovery> {
  const starting = startStack({
    dataDir: scope.folder('bench-recovery-'),
    temporalPort: await findFreePort(),
    headless: true,
    workers: options.workers,
    offline: {},
    env: {
      INFER_ONCE_RECOVERY: 'stored',
      INFER_ONCE_LEASE: lease,
      INFER_ONCE_HEARTBEAT_TIMEOUT: heartbeat,
      INFER_ONCE_LOG_LEVEL: 'error',
    },
    onWorkerLine: () => undefined,
  });
  const stack = await scope.open(starting, (up) => up.stop());
  const store = await scope.open(openStore(stack.storeUrl), (open) => open.close());
  const jobs = new JobClient({ client: await openClient(stack.temporalAddress), store });
  const model = stack.offline!;
  const took: number[] = [];
  let answered = 0;
  for (let kill = 0; kill < options.kills; kill += 1) {
    const names = Array.from({ length: options.jobs }, (_, n) => `kill-${kill}-${n}`);
    let killedAt = 0;
    await model.rules({ do: { hold: true } });
    const answers = names.map(async (job_id) => {
      const { source } = await jobs.run({ job_id, task: 'enrich', input: { title: 'alien (1979)' } });
      answered += 1;
      // the others were in the workers that live
      if (source !== 'inference') took.push((performance.now() - killedAt) / 1000);
    });
    await model.waitForState(({ held }) => held.length === options.jobs, 60_000);
    killedAt = performance.now();
    await stack.killWorker();
    // what was in the air goes on at the provider
    await model.rules();
    await model.release();
    await Promise.all(answers);
    await stack.untilWorkersReady();
  }
  return {
    lease,
    heartbeat,
    answers: answered,
    hit: took.length,
    billed: model.billed(),
    p50: percentile(took, 0.5),
    longest: percentile(took, 1),
  };
}

async function main(scope: Scope): Promise<number> {
  const recoveries: Recovery[] = [];
  for (const setting of SETTINGS) {
    const found = await scope.within((inner) => measure(inner, setting));
    recoveries.push(found);
    console.error(
      `lease ${found.lease}, heartbeat time-out ${found.heartbeat}: ${found.answers} answers with ${found.billed} calls; of the ${found.hit} that were hit p50 ${found.p50.toFixed(1)} s, longest ${found.longest.toFixed(1)} s`,
    );
  }
  writeFigures(options.json, { options, recoveries });
  return 0;
}

runCommand((scope, stop) => orInterrupted(main(scope), stop));
