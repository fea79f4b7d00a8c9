import type { Jobs } from '../client/jobs';
import type { JobRecord } from '../job';
import type { ResolveRequest } from '../workflows/contract';
import type { ResolveOptions } from './commands/resolve';
import { withJobs } from './context';
import { exitCodeOf } from './exit-codes';
import { fail, say } from './fail';
import { isForPeople, printJson, printText } from './output';
import { countOf, describeRecord, describeRecords } from './record-text';
import { withinReach } from './resolve-one';

const AT_ONCE = 10;

/** Shows every job in doubt that the options pick and, with `--yes`, decides each as it was shown. */
export async function resolveAll(action: ResolveRequest['action'], options: ResolveOptions): Promise<void> {
  await withJobs(options, async ({ jobs, reachTemporal }) => {
    const picked = await pickDoubts(jobs, options);
    if (!options.yes) return showPicked(picked, action, options);
    await reachTemporal();
    const { forMany } = await import('../client/many.js');
    const answers = forMany(picked, AT_ONCE, ({ job_id, doubt }) =>
      withinReach(job_id, jobs.resolve(job_id, { action, doubt: doubt!.token, by: options.by })),
    );
    let decided = 0;
    for await (const { answer, error } of answers) {
      if (answer) {
        decided += 1;
        if (isForPeople(options)) printText(describeRecord(answer));
        else printJson(answer);
      } else {
        fail(error);
        process.exitCode ||= exitCodeOf(error);
      }
    }
    say(`${action} was decided for ${decided} of ${countOf(picked.length, 'job')}.`);
  });
}

function showPicked(picked: JobRecord[], action: string, options: ResolveOptions): void {
  if (!isForPeople(options)) picked.forEach(printJson);
  else if (picked.length > 0) printText(describeRecords(picked));
  const what = `${action} would be decided for ${countOf(picked.length, 'job')}`;
  say(
    picked.length > 0
      ? `${what}; nothing was done. Add --yes to do it.`
      : 'No such job waits for a decision.',
  );
}

async function pickDoubts(jobs: Jobs, { task, olderThan = 0 }: ResolveOptions): Promise<JobRecord[]> {
  const picked: JobRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await jobs.list({ status: 'IN_DOUBT', task, limit: 1000, cursor });
    for (const record of page.records) {
      const { doubt } = record;
      if (doubt && !doubt.recovering && Date.now() - Date.parse(doubt.since) >= olderThan)
        picked.push(record);
    }
    cursor = page.cursor;
  } while (cursor);
  return picked;
}
