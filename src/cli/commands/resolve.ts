import { userInfo } from 'node:os';
import { type Command, Option } from 'commander';
import { ConfigError, JobNotFoundError } from '../../errors';
import { jobKey } from '../../job';
import type { ResolveRequest } from '../../workflows/contract';
import { type ClientOptions, withJobs } from '../context';
import { addClientOptions, addEpilogue, durationOption, wholeNumberOption } from '../help';
import { readJsonFile } from '../input';
import { isForPeople, printJson, printText } from '../output';
import { describeRecord } from '../record-text';
import { resolveAll } from '../resolve-all';
import { withinReach } from '../resolve-one';

/** The options of `resolve`, as commander gives them. */
export interface ResolveOptions extends ClientOptions {
  rerun?: boolean;
  adopt?: string;
  adoptLate?: boolean;
  abandon?: boolean;
  doubt?: number;
  by: string;
  all?: boolean;
  task?: string;
  olderThan?: number;
  yes?: boolean;
}

/** `resolve ID --rerun|--adopt FILE|--adopt-late|--abandon`, or `--all`. */
export function addResolve(program: Command): void {
  const command = program
    .command('resolve')
    .summary('settle a job in doubt')
    .description(
      'Settles a job in doubt: nobody can know whether its call was executed, so somebody decides. The decision names the doubt that the record shows, so that it never answers a later one.',
    )
    .argument('[job-id]')
    .option('--rerun', 'call again; may pay twice')
    .option('--adopt <file>', "take this file's JSON for the result (also on a failed job)")
    .option('--adopt-late', 'take the answer that came too late for the result')
    .option('--abandon', 'give the job up: FAILED, abandoned')
    .option(
      '--doubt <token>',
      'only if this is still the doubt',
      wholeNumberOption(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--by <name>', 'who decides; kept in the record', defaultName())
    .option('--all', 'every job in doubt that is no longer recovering; shows them, and does it with --yes')
    .option('--task <task>', 'with --all: only jobs of this task')
    .addOption(
      new Option('--older-than <duration>', 'with --all: only doubts this old, e.g. 1h').argParser(
        durationOption,
      ),
    )
    .option('--yes', 'with --all: do it')
    .action(resolve);
  addEpilogue(
    addClientOptions(command),
    [
      'infer-once resolve film-1 --rerun',
      'infer-once resolve film-1 --adopt answer.json --by ada',
      'infer-once resolve --all --abandon --older-than 1d          (a dry run)',
      'infer-once resolve --all --abandon --older-than 1d --yes',
    ],
    [0, 2, 6],
    [
      'Needs a running worker. Ends with 2 where the job is not in that doubt (any more); nothing changes then.',
    ],
  );
}

async function resolve(id: string | undefined, options: ResolveOptions): Promise<void> {
  const action = chooseAction(options);
  if (options.all) {
    refuse(id !== undefined, '--all and a job id exclude each other; name one of them');
    refuse(
      options.doubt !== undefined || action === 'adopt',
      '--doubt and --adopt are for one job, not for --all',
    );
    return resolveAll(action, options);
  }
  if (id === undefined) throw new ConfigError('Name the job to resolve, or --all.');
  const isForAll = options.yes || options.task !== undefined || options.olderThan !== undefined;
  refuse(isForAll, '--task, --older-than and --yes go with --all');
  jobKey(id);
  const result = options.adopt === undefined ? undefined : await readJsonFile(options.adopt);
  await withJobs(options, async ({ jobs, reachTemporal }) => {
    await reachTemporal();
    const known = await jobs.get(id);
    if (!known) throw new JobNotFoundError(id);
    const doubt = options.doubt ?? known.doubt?.token ?? known.token;
    const request = { action, doubt, by: options.by, ...(action === 'adopt' && { result }) };
    const record = await withinReach(id, jobs.resolve(id, request));
    if (isForPeople(options)) printText(describeRecord(record));
    else printJson(record);
  });
}

function chooseAction({ rerun, adopt, adoptLate, abandon }: ResolveOptions): ResolveRequest['action'] {
  const chosen = [
    rerun && 'rerun',
    adopt !== undefined && 'adopt',
    adoptLate && 'adopt_late',
    abandon && 'abandon',
  ].filter((action) => action !== false && action !== undefined);
  refuse(chosen.length !== 1, 'Choose one of --rerun, --adopt FILE, --adopt-late and --abandon');
  return chosen[0] as ResolveRequest['action'];
}

function refuse(isWrong: boolean | undefined, sentence: string): void {
  if (isWrong) throw new ConfigError(`${sentence}.`);
}

function defaultName(): string {
  try {
    return process.env.USER || userInfo().username;
  } catch {
    // a container's user may have no name
    return 'unknown';
  }
}
