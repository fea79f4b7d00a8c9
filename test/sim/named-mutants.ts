import type { Edit } from './loader';
import type { Mutant } from './mutants';

/** A breakage that the simulator does not see, and the test that does. */
export interface NamedMutant extends Mutant {
  /** The test's file, below `test`. */
  file: string;
  /** Its full name, with those of the blocks that it is in. */
  test: string;
}

const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });

/** Mutants whose test is in one file. */
const caughtIn =
  (file: string) =>
  (name: string, test: string, ...edits: Edit[]): NamedMutant => ({ name, file, test, edits });

const inCall = caughtIn('once/call.test.ts');
const inResume = caughtIn('once/resume.test.ts');
const inRules = caughtIn('once/rules.test.ts');
const inRaces = caughtIn('promises/races.test.ts');
const inVersions = caughtIn('promises/versions.test.ts');
const inCosts = caughtIn('promises/costs.test.ts');
const inEarly = caughtIn('promises/early-answer.test.ts');
const inSettled = caughtIn('store/settled.test.ts');

const ROW = 'once/rules/row.ts';
const CLAIM = 'once/rules/claim.ts';
const SETTLE = 'once/rules/settle.ts';
const DECIDE = 'once/rules/decide.ts';
const RESTORE = 'once/rules/restore.ts';
const OPERATIONS = 'once/operations.ts';
const CALL = 'once/call.ts';
const RUN = 'once/run.ts';
const RECOVER = 'once/recover.ts';

const UNSENT = 'before the request is written';
const DOUBT = 'in doubt';
const RACES = 'requests that meet a run at its end, or each other';

/** Each has to fail the test that it names (`named-mutants.test.ts`). */
export const NAMED_MUTANTS: readonly NamedMutant[] = [
  inCall(
    'a claim whose reply was lost is not known as its own',
    'before the request is written a claim whose reply was lost is known as its own when it is asked again: the call is sent, and nothing is in doubt',
    edit('once/rules/claim.ts', 'row.calls.at(-1)?.call_id === call_id', 'row.calls.length < 0'),
  ),
  inCall(
    'a lease is not renewed',
    'while a call is under way a live worker keeps its lease, however long: who comes second is told that it is busy, and no doubt arises',
    edit(CALL, 'env.clock.every(leaseMs / 3, renewNow)', 'env.clock.every(1e12, renewNow)'),
  ),
  inCall(
    'a lease is renewed a third of it after its claim was answered, however long that took',
    'while a call is under way a claim that was slow to be written is renewed at once: its lease began when it was written',
    edit(CALL, 'if (env.clock.monotonic() - claimedAt > leaseMs / 3) renewNow();', ''),
  ),
  inCall(
    'an answer whose reply was lost is told as late',
    'an answer whose first save was made, and whose reply was lost is told as completed, not as late',
    edit(CALL, ': isSettledBy(row, claimed);', ': false;'),
  ),
  inCall(
    'a failure by the word of the provider is not looked into',
    'a provider that says that it failed itself is asked once whether it answered all the same: that answer is the job’s',
    edit(
      CALL,
      'const found = await askProvider(env, job, claimed.row);',
      'const found = null as StoredJob | null;',
    ),
  ),
  inCall(
    'a call is sent though its job was canceled',
    `${UNSENT} a job that is canceled between its claim and its request is not sent: CANCELED, billed no`,
    edit(
      CALL,
      'if (!owns || job.canceled.aborted || job.shutdown.aborted)',
      'if (!owns || job.shutdown.aborted)',
    ),
  ),
  inCall(
    'a call is sent though its job was canceled while the lease was renewed',
    `${UNSENT} nor is one whose lease had to be renewed first, and that was canceled meanwhile`,
    edit(
      CALL,
      '  const owns = await hasTime(',
      '  if (job.canceled.aborted) return giveUpUnsent(env, job, claimed);\n  const owns = await hasTime(',
    ),
    edit(
      CALL,
      'if (!owns || job.canceled.aborted || job.shutdown.aborted)',
      'if (!owns || job.shutdown.aborted)',
    ),
  ),
  inCall(
    'a call is sent though its process has to end',
    `${UNSENT} a worker that has to end between its claim and its request gives the job back unsent`,
    edit(
      CALL,
      'if (!owns || job.canceled.aborted || job.shutdown.aborted)',
      'if (!owns || job.canceled.aborted)',
    ),
  ),
  inCall(
    'a canceled run with another input is told of the job that it missed',
    `${UNSENT} the cancel of a run with another input leaves the job that it missed alone, and tells nothing of it`,
    edit(RUN, "if (job.canceled.aborted && seen.kind !== 'mismatch') {", 'if (job.canceled.aborted) {'),
  ),
  inRules(
    'a canceled run with another input cancels the job that it missed',
    'a run with another input cancels nobody’s job, at whatever it is',
    edit(DECIDE, 'if (seed && row.input_digest !== seed.input_digest) return { returns: row };', ''),
  ),
  inRules(
    'what is learned of one call un-bills another',
    'what was paid for stays so, whatever is learned of another call',
    edit(SETTLE, "billed: row.billed === 'yes' ? 'yes' : foldBilled(known)", 'billed: foldBilled(known)'),
  ),
  inRules(
    'a late answer to a call before a retry bills the job anew',
    '`billed` speaks of the calls since the last retry, and a late answer to one before it changes nothing of that',
    edit(SETTLE, "billed: isThisGeneration ? 'yes' : row.billed", "billed: 'yes'"),
  ),
  inRules(
    '`billed` speaks of the calls before a retry too',
    '`billed` speaks of the calls since the last retry, and a late answer to one before it changes nothing of that',
    edit(
      ROW,
      'const calls = row.calls.filter((call) => call.generation === row.generation);',
      'const { calls } = row;',
    ),
  ),
  inRules(
    'a refused input un-bills a call in doubt',
    'an input that is refused after a rerun un-bills nothing',
    edit(
      CLAIM,
      'const base = row ? { ...row, task,',
      'const base = row ? { ...row, generation: row.generation + 1, task,',
    ),
  ),
  inRules(
    'a job is run again though one of its calls was answered badly',
    'a bad answer beside a call that was not executed is the job’s answer: it is not run again',
    edit(SETTLE, "known.billed === 'yes'\n          ? failWith", 'row === null\n          ? failWith'),
  ),
  inRules(
    'a look at an older doubt shows the present one to operators',
    'whoever looked at an older doubt does not show the present one to operators',
    edit(
      DECIDE,
      "if (row?.status !== 'IN_DOUBT' || row.token !== token || row.doubt?.recovering === recovering) {",
      "if (row?.status !== 'IN_DOUBT' || row.doubt?.recovering === recovering) {",
    ),
  ),
  inRules(
    'the policy decides whatever doubt there is',
    'the policy decides the doubt that it looked at and no later one',
    edit(
      DECIDE,
      "if (row?.status !== 'IN_DOUBT' || row.token !== token) return { returns: row };",
      "if (row?.status !== 'IN_DOUBT') return { returns: row };",
    ),
  ),
  inRules(
    'the policy reruns as often as workers think that it is due',
    'the policy runs a job again once, however many workers think that it is due',
    edit(DECIDE, "if (action === 'rerun' && wasRerunByPolicy(row)) return { returns: row };", ''),
  ),
  inRules(
    'a lease that has time ends in doubt',
    'a lease that has time is no doubt, whoever looks',
    edit(
      CLAIM,
      "if (row?.status !== 'IN_PROGRESS' || (row.lease_until ?? 0) > now) return",
      "if (row?.status !== 'IN_PROGRESS') return",
    ),
  ),
  inRules(
    'a token alone tells the owner of a claim',
    'a claim that the store has lost owns nothing of the one that was given its token',
    edit(ROW, ' && row.calls.some((call) => call.call_id === call_id)', ''),
  ),
  inRules(
    'a lease is renewed by an old token',
    'a claim that was lost renews no lease',
    edit(
      CLAIM,
      'if (!row || !isOwner(row, claimed)) return { returns: false };',
      "if (row?.status !== 'IN_PROGRESS') return { returns: false };",
    ),
  ),
  inRules(
    'a late answer completes a job that came to have another input',
    'a late answer to another input is none, also where the row was lost and made anew',
    edit(
      SETTLE,
      '|| row.input_digest !== claimed.input_digest) return dropped(row);',
      ') return dropped(row);',
    ),
  ),
  inRules(
    'a refused input settles a job that another has claimed',
    'an input that is refused settles no job that another has claimed meanwhile',
    edit(
      CLAIM,
      "if (inspect(row, seed.input_digest, permit, now).kind !== 'claimable') {",
      "if (row?.status === 'COMPLETED') {",
    ),
  ),
  inRules(
    'forget erases a record that was opened again',
    'forget erases the record that was looked at, and none that was opened again since',
    edit(DECIDE, 'if (!row || row.token !== token || !isSettled', 'if (!row || !isSettled'),
  ),
  inRaces(
    'forget leaves copies at the provider where the job ran again meanwhile',
    `${RACES} forget asks the provider again where the job was run again meanwhile: none of its copies stays`,
    edit(DECIDE, 'if (!row || row.token !== token || !isSettled', 'if (!row || !isSettled'),
  ),
  inRaces(
    'forget does not wait for an open run',
    `${RACES} forget waits until the run has closed before it erases anything`,
    edit(
      'client/forget.ts',
      'if ((await findRun(client, key))?.isOpen && !(await hasClosed(client, key, enough))) {',
      'if ((await findRun(client, key)) === undefined && !(await hasClosed(client, key, enough))) {',
    ),
  ),
  inRules(
    'a result of a lost record replaces a job that was claimed',
    'a result that only Temporal has replaces nothing once the job was claimed, also where that call was not executed',
    edit(RESTORE, "row.status === 'PENDING' && row.attempts === 0", "row.status === 'PENDING'"),
  ),
  inRules(
    'a result of a lost record replaces a job that was made anew and claimed',
    'a result that only Temporal has replaces nothing once the job was claimed, also where that call was not executed',
    edit(RESTORE, 'row.created_at === Date.parse(created_at) && ', ''),
  ),
  inRules(
    'a row that went back in time does not take its result over',
    'a result that only Temporal has is taken over by a row that went back to before it',
    edit(RESTORE, ' || isOlder(row, record)', ''),
  ),
  inVersions(
    'a worker decides a claimed job whose task it does not know',
    'in a rolling deploy, a worker that does not know the task leaves a job that was claimed to one that does, and fails it by nothing that it lacks',
    edit('activities/infer.ts', 'if (!task) await leaveToOthers(deps, key, request.task);', ''),
  ),
  inRaces(
    'any open run is a join',
    `${RACES} a submission that meets the last moment of a run joins nothing: it starts a run that opens the job again`,
    edit('client/submit.ts', 'if (!permit) return true;', 'if (key) return true;'),
  ),
  inRaces(
    'any open run serves a retry',
    `${RACES} nor does a retry`,
    edit('client/scope.ts', 'if (reopen?.token === permit.token) return false;', 'if (key) return false;'),
  ),
  inRaces(
    'a late cancel takes the job from whoever asked for it again',
    `${RACES} a cancel takes nothing from whoever asked for the job again after it was written`,
    edit('client/cancel.ts', 'settled && row?.token !== settled.token ? { returns: row } :', ''),
  ),
  inRaces(
    'the waiter of a retry shares the wait for the old failure',
    `${RACES} the waiter of a retry shares no wait that may end with the old failure`,
    edit('client/shared-waits.ts', "wanted.staleToken ?? ''", "''"),
  ),
  inRaces(
    'the waiter of a retry takes the old failure',
    `${RACES} the waiter of a retry shares no wait that may end with the old failure`,
    edit('client/wait.ts', 'return wasClosed || record.token !== wanted.staleToken;', 'return true;'),
  ),
  inCall(
    'a new doubt is shown to operators at once',
    `${DOUBT} a new doubt is no operator’s yet: waiters go on waiting while the provider is asked`,
    edit(CLAIM, 'reason, recovering: true }', 'reason, recovering: false }'),
  ),
  inCall(
    'a process that has to end asks the provider first',
    `${DOUBT} a process that has to end leaves the doubt, and the provider, to the next worker`,
    edit(CALL, "if (job.shutdown.aborted) return { kind: 'in_doubt', row, checkAfterMs: 1 };", ''),
  ),
  inCall(
    'only the last call is asked for',
    `${DOUBT} of several answers the oldest valid one is the result, and the others are kept beside it`,
    edit(
      RECOVER,
      'const callIds = openCalls(row).map((call) => call.call_id);',
      'const callIds = openCalls(row)\n    .slice(-1)\n    .map((call) => call.call_id);',
    ),
  ),
  inCall(
    'a later answer wins over the oldest',
    `${DOUBT} of several answers the oldest valid one is the result, and the others are kept beside it`,
    edit(
      RECOVER,
      'found.sort((a, b) => rank(a) - rank(b))',
      'found.reverse().sort((a, b) => rank(a) - rank(b))',
    ),
  ),
  inCall(
    'a bad answer that is found first wins over a valid one',
    `${DOUBT} a bad answer fails the job only where no valid one is there, not even to a call from before a retry`,
    edit(RECOVER, 'found.sort((a, b) => rank(a) - rank(b))', 'found'),
  ),
  inCall(
    'of several answers that are found the others are not kept',
    `${DOUBT} of several answers the oldest valid one is the result, and the others are kept beside it`,
    edit(SETTLE, "row.status !== 'COMPLETED' || found === 'recovered'", "row.status !== 'COMPLETED'"),
  ),
  inResume(
    'a call that is being started is aborted at once on cancel',
    'a cancel while the call is being started waits for its id, and stops it',
    edit(
      CALL,
      'const abortLater = () => env.clock.sleep(START_GRACE_MS, over.signal).then(() => late.abort());',
      'const abortLater = () => late.abort();',
    ),
  ),
  inResume(
    'a call that is being started holds a cancel up for ever',
    'but not for ever: a start that gives no id in time is aborted',
    edit(
      CALL,
      'const abortLater = () => env.clock.sleep(START_GRACE_MS',
      'const abortLater = () => env.clock.sleep(1e12',
    ),
  ),
  inResume(
    'a call whose id comes after the cancel is not stopped at the provider',
    'a cancel while the call is being started waits for its id, and stops it',
    edit(CALL, 'if (row) await stopOperations(env, job, row);', ''),
  ),
  inResume(
    'a call whose id comes after somebody else’s cancel is not stopped at the provider',
    'a job that somebody else canceled meanwhile has its call stopped, and keeps an answer that came first',
    edit(
      OPERATIONS,
      "if (row.status !== 'CANCELED' && row.status !== 'FAILED') return false;",
      'if (row) return false;',
    ),
  ),
  inResume(
    'a call whose id comes to no record is not stopped at the provider',
    'a call whose job was forgotten while it was started is stopped: nobody can ask for it any more',
    edit(CALL, "if (!row || fate === 'dropped') await stopOperation(env, job, operation);", ''),
  ),
  inResume(
    'a running call of a canceled job is not stopped at the provider',
    'a cancel between two polls stops the call, and keeps an answer that came first',
    edit(
      RUN,
      '(await stopOperations(env, job, canceled)) && (await askProvider(env, job, canceled))',
      'false as boolean && canceled',
    ),
  ),
  inResume(
    'a running call that the policy gives up is not stopped at the provider',
    'the policy fail gives a call up that is not final in time, and stops it',
    edit(RECOVER, 'if (decided) await stopOperations(env, job, decided);', ''),
  ),
  caughtIn('once/operation.test.ts')(
    'a call that the provider runs ends in doubt with its worker’s lease',
    'whoever claims next is told to resume, however much later: nothing expires',
    edit(CLAIM, 'if (resumable(row)) return { returns: row };', ''),
  ),
  caughtIn('once/operation.test.ts')(
    'a late renewal gives a call that the provider runs a lease again',
    'a renewal that was under way brings no lease back',
    edit(CLAIM, 'if (resumable(row)) return { returns: true };', ''),
  ),
  caughtIn('promises/background.test.ts')(
    'a running call is not stopped at the provider where no activity runs',
    'a call that the provider runs in the background a cancel stops the response at the provider, while no activity runs',
    edit(
      'activities/records.ts',
      'return (await stopOperations(env, job, row)) ? askProvider(env, job, row) : null;',
      'return null;',
    ),
  ),
  caughtIn('provider/recovery.test.ts')(
    'answers that are found are taken as they are listed, not as they were made',
    'with other servers every page is read, in the order of creation',
    edit(
      'provider/recovery.ts',
      '.sort((a, b) => (a.completion.created ?? 0) - (b.completion.created ?? 0))',
      '',
    ),
  ),
  caughtIn('provider/recovery.test.ts')(
    'an answer to a call of another job is taken',
    "with other servers a server that ignores the filter never makes another job's answer ours",
    edit('provider/recovery.ts', '.filter(({ callId }) => callIds.includes(callId))', ''),
  ),
  caughtIn('provider/openai.test.ts')(
    'a redirect is followed',
    'an error status is classified, and the request sent once a redirect is not followed',
    edit('provider/openai.ts', "redirect: 'error'", "redirect: 'follow'"),
    // the second guard, which each call has of its own
    edit('provider/wire.ts', 'if (dispatched) throw', 'if (!dispatch) throw'),
  ),
  caughtIn('provider/openai.test.ts')(
    'the HTTP client sends a request again by itself',
    'an error status is classified, and the request sent once a 421, which fetch by itself would send again, is sent once',
    edit('provider/wire.ts', 'if (dispatched) throw', 'if (!dispatch) throw'),
  ),
  caughtIn('promises/mismatch.test.ts')(
    'the digest depends on the order of keys',
    'the same job_id with another input is an error, and leaves the record untouched the order of keys is no difference, in either client',
    edit(
      'digest.ts',
      'canonicalize({ task, input: value }) as string',
      'JSON.stringify({ task, input: value })',
    ),
  ),
  caughtIn('store/memory.test.ts')(
    'the clock of a store goes back with the wall clock',
    'the memory store’s clock does not follow the wall clock back',
    edit(
      'store/memory.ts',
      'this.latest = Math.max(this.latest, this.wallClock());',
      'this.latest = this.wallClock();',
    ),
  ),
  inCosts(
    'who waits has Temporal asked at once, though the store tells of the end',
    'what a job costs beside its call does not grow unseen who waits for a job that is soon answered asks Temporal for nothing but its start',
    edit('client/wait.ts', 'if (looks >= watchFrom) run ??= watch();', 'run ??= watch();'),
  ),
  inEarly(
    'the store tells who waits in vain',
    'who waits for a job, in a world where no time passes is woken by the store',
    edit('client/wait.ts', 'onSettled?.(wanted.key, nap.wake)', 'onSettled?.(wanted.key, () => undefined)'),
  ),
  inEarly(
    'who only waits has no run watched for a while, and so starts no orphan',
    'the record is the answer, and who waits has it before its run has closed an orphan is started again also by who never waits for long',
    edit('client/wait.ts', 'mute && wanted.isOpen ?', 'mute ?'),
  ),
  inSettled(
    'only the owner of the bell rings it',
    'a SQLite file may be rung by whoever may write the store, if not by its owner',
    edit('store/sqlite-bell.ts', "error?.code === 'EPERM'", "error?.code === 'EACCES'"),
  ),
  inSettled(
    'a store that is closed goes on listening',
    'a SQLite file that is closed is silent',
    edit('store/sqlite-store.ts', 'this.bell.close();', ''),
  ),
  inSettled(
    'other connections are told nothing of a job that has ended',
    'two connections to one SQLite file: who listens hears that his job is COMPLETED, and of no other',
    edit('store/sqlite-bell.ts', 'lutimes(this.bell, now, now,', 'lutimes(this.file, now, now,'),
  ),
  inSettled(
    'who has left is still told',
    'memory: who listens hears nothing of a job that goes on, nor once he has left',
    edit('store/settled-listeners.ts', 'listeners.delete(listener);', ''),
  ),
];
