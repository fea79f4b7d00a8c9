import { Command, InvalidArgumentError } from 'commander';
import { FILM_COUNT } from './jobs';

/** What the demo was asked for. */
export interface DemoOptions {
  jobs: number;
  keep: boolean;
  live: boolean;
  yes: boolean;
  json: boolean;
}

/** Fewer leave no worker in mid-call. */
const MIN_JOBS = 10;
const DEFAULT_JOBS = 300;
const LIVE_JOBS = 20;

/** Reads the command line. @throws CommanderError, which has told the user already */
export function readOptions(argv: string[]): DemoOptions {
  const command = new Command('npm run demo --')
    .description(
      'Submits real film titles, each three times at once from two processes, kills one of two workers in mid-call, and shows that each job was paid for once. It always uses the offline stand-in, which costs nothing, whatever keys the shell has.',
    )
    .option(
      '--jobs <n>',
      `how many films, ${MIN_JOBS} to ${FILM_COUNT} (default: ${DEFAULT_JOBS}; ${LIVE_JOBS} with --live)`,
      readJobs,
    )
    .option('--keep', 'leave everything up until Ctrl-C, with its UI, and keep the data')
    .option('--live', 'use the real API (OPENAI_API_KEY, OPENAI_BASE_URL) after showing an estimate')
    .option('--yes', 'with --live: do not ask')
    .option('--json', 'the figures as one JSON object on stdout')
    .addHelpText('after', HELP)
    .allowExcessArguments(false)
    .exitOverride();
  const { jobs, ...options } = command.parse(argv).opts<Partial<DemoOptions>>();
  return { ...(options as DemoOptions), jobs: jobs ?? (options.live ? LIVE_JOBS : DEFAULT_JOBS) };
}

const HELP = `
Examples:
  npm run demo
  npm run demo -- --jobs 60 --keep
  npm run demo -- --live --jobs 20

Exit codes:
  0  billed = jobs = COMPLETED, and all answers of a job agree
  1  something differs or could not be started; a sentence says what
  2  an option, or what --live needs, is wrong
  130  Ctrl-C`;

function readJobs(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= MIN_JOBS && value <= FILM_COUNT) return value;
  throw new InvalidArgumentError(`It must be a whole number from ${MIN_JOBS} to ${FILM_COUNT}.`);
}
