import { Command, InvalidArgumentError, Option } from 'commander';

/** How long and how hard. */
export interface SoakOptions {
  ms: number;
  killEveryMs: number;
  workers: number;
  recovery: 'stored' | 'background' | 'none';
  seed: number;
  json?: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

export function readOptions(argv: string[]): SoakOptions {
  const command = new Command('soak')
    .description(
      "Runs jobs for hours on Temporal's dev server, worker processes, a gateway and the stand-in: each job is wanted by three callers at once, some again later or with another input, and workers are killed by SIGKILL at random moments. Ends with the history checker over all that was seen, the calls billed, and the growth of memory and handles. Ctrl-C ends it with the verdict so far.",
    )
    .option('--hours <n>', 'how long', positive)
    .option('--minutes <n>', 'how long; default 10', positive)
    .option('--kill-every <seconds>', 'a worker dies so often on average', positive, 5)
    .option('--workers <n>', 'worker processes, of which one is spared', positive, 3)
    .addOption(
      new Option('--recovery <way>', 'where lost answers are looked for')
        .choices(['stored', 'background', 'none'])
        .default('stored'),
    )
    .option(
      '--seed <n>',
      'draws the moments and the callers; how processes are scheduled is the machine’s',
      positive,
      1,
    )
    .option('--json <file>', 'write the verdict there')
    .addHelpText(
      'after',
      '\nExit code: 0 every promise was kept, 1 one was broken or a part ended, 2 usage.\n\nExamples:\n  npm run soak -- --minutes 5\n  npm run soak -- --hours 8 --kill-every 20 --json soak.json',
    );
  command.exitOverride(({ code, exitCode }) => {
    process.exit(code === 'commander.helpDisplayed' ? 0 : exitCode === 0 ? 0 : 2);
  });
  const given = command.parse(argv).opts<{
    hours?: number;
    minutes?: number;
    killEvery: number;
    workers: number;
    recovery: SoakOptions['recovery'];
    seed: number;
    json?: string;
  }>();
  const { hours, minutes, killEvery, recovery, seed, json } = given;
  const asked = (hours ?? 0) * 3_600_000 + (minutes ?? 0) * 60_000;
  const workers = Math.max(2, Math.round(given.workers));
  return { ms: asked || 600_000, killEveryMs: killEvery * 1000, workers, recovery, seed, json };
}
