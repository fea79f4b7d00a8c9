import { Option } from 'commander';
import { aboveZero, benchCommand, outputFile, wholeNumber } from '../support/options';

/** How long and how hard. */
export interface SoakOptions {
  ms: number;
  killEveryMs: number;
  workers: number;
  /** Jobs under way at once, each wanted by every caller. */
  inFlight: number;
  recovery: 'stored' | 'background' | 'none';
  seed: number;
  json?: string;
}

/** A moment between kills is drawn up to twice as long, and has to fit a timer. */
const MOST_SECONDS = 1_000_000;
const MOST_HOURS = 10_000;

export function readOptions(argv: string[]): SoakOptions {
  const command = benchCommand('soak')
    .description(
      "Runs jobs for hours on Temporal's dev server, worker processes, a gateway and the stand-in: each job is wanted by three callers at once, some again later or with another input, and workers are killed by SIGKILL at random moments. Ends with the history checker over all that was seen, the calls billed, and the growth of memory and handles. Ctrl-C ends it with the verdict so far.",
    )
    .option('--hours <n>', 'how long', aboveZero(MOST_HOURS, 8))
    .option('--minutes <n>', 'how long, or how much longer; default 10', aboveZero(MOST_HOURS * 60, 5))
    .option('--kill-every <seconds>', 'a worker dies so often on average', aboveZero(MOST_SECONDS, 5), 5)
    .option('--workers <n>', 'worker processes, of which one is spared', wholeNumber(2, 3), 3)
    .option('--in-flight <n>', 'jobs under way at once, each wanted by all callers', wholeNumber(1, 6), 6)
    .addOption(
      new Option('--recovery <way>', 'where lost answers are looked for')
        .choices(['stored', 'background', 'none'])
        .default('stored'),
    )
    .option(
      '--seed <n>',
      'draws the moments and the callers; how processes are scheduled is the machine’s',
      wholeNumber(0, 1),
      1,
    )
    .option('--json <file>', 'write the verdict there', outputFile)
    .addHelpText(
      'after',
      '\nExit: 0 every promise was kept, 1 one was broken, nothing was tried or a part ended, 2 usage, 130 Ctrl-C before the time was over and nothing broken.\n\nExamples:\n  npm run soak -- --minutes 5\n  npm run soak -- --hours 8 --kill-every 20 --json soak.json',
    );
  const given = command.parse(argv).opts<{
    hours?: number;
    minutes?: number;
    killEvery: number;
    workers: number;
    inFlight: number;
    recovery: SoakOptions['recovery'];
    seed: number;
    json?: string;
  }>();
  const { hours, minutes, killEvery, ...rest } = given;
  const asked = (hours ?? 0) * 3_600_000 + (minutes ?? 0) * 60_000;
  return { ms: asked || 600_000, killEveryMs: killEvery * 1000, ...rest };
}
