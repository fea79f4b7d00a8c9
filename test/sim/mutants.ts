import type { Edit } from './loader';

/** One deliberate breakage of the protocol. */
export interface Mutant {
  name: string;
  edits: Edit[];
}

const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });
const mutant = (name: string, ...edits: Edit[]): Mutant => ({ name, edits });

const ROW = 'once/rules/row.ts';
const CLAIM = 'once/rules/claim.ts';
const SETTLE = 'once/rules/settle.ts';
const DECIDE = 'once/rules/decide.ts';
const SUBMIT = 'once/rules/submit.ts';
const CALL = 'once/call.ts';
const RUN = 'once/run.ts';
const POLICY = 'once/policy.ts';
const WORKFLOW = 'workflows/inference-job.ts';

const TOKEN_GROWS = 'token: row.token + 1,\n    updated_at';
const tokenStays = (statuses: string) =>
  edit(ROW, TOKEN_GROWS, `token: ${statuses}.includes(status) ? row.token : row.token + 1,\n    updated_at`);

/** Each has to be caught; by what is what the table of `--mutants` shows. */
export const MUTANTS: readonly Mutant[] = [
  mutant('settling does not grow the token', tokenStays("['COMPLETED', 'FAILED', 'CANCELED']")),
  mutant('a release does not grow the token', tokenStays("['PENDING']")),
  mutant('a doubt does not grow the token', tokenStays("['IN_DOUBT']")),
  mutant(
    'an expired lease is claimed again',
    edit(CLAIM, "{ kind: 'expired', row }", "{ kind: 'claimable' }"),
  ),
  mutant(
    'the claim is not atomic',
    edit(
      RUN,
      'const save = savingUntil(',
      'const before = (await env.store.read(key)).job;\n  const save = savingUntil(',
    ),
    edit(
      RUN,
      'claim({ seed: job.seed, permit: job.permit, call_id, lease_ms })',
      '(_, now) => claim({ seed: job.seed, permit: job.permit, call_id, lease_ms })(before, now)',
    ),
  ),
  mutant(
    "the worker's clock ends a lease",
    edit(
      CLAIM,
      'const left = (row.lease_until ?? 0) - now;',
      'const left = (row.lease_until ?? 0) - Date.now();',
    ),
    edit(CLAIM, '(row.lease_until ?? 0) > now', '(row.lease_until ?? 0) > Date.now()'),
  ),
  mutant(
    'an answer completes a job without a guard',
    edit(
      SETTLE,
      "if (row.status === 'COMPLETED' || row.status === 'FAILED' || row.status === 'CANCELED') {",
      'if (row === undefined) {',
    ),
  ),
  mutant(
    'a late answer is dropped',
    edit(
      SETTLE,
      'const source: ResultSource = found ??',
      'if (!found && !isOwner(row, claimed)) return dropped(row);\n    const source: ResultSource = found ??',
    ),
  ),
  mutant(
    'a late answer to a canceled or failed job is not kept',
    edit(SETTLE, "row.status !== 'COMPLETED' || found === 'recovered'", 'false'),
  ),
  mutant(
    'a lost lease aborts the call',
    edit(
      CALL,
      'const lease = keepLease(env, key, claimed, job.policy.leaseMs, claimedAt);',
      'const lost = new AbortController();\n  const lease = keepLease(env, key, claimed, job.policy.leaseMs, claimedAt, lost);',
    ),
    edit(
      CALL,
      '  leaseMs: number,\n  claimedAt: number,\n)',
      '  leaseMs: number,\n  claimedAt: number,\n  lost: AbortController,\n)',
    ),
    edit(
      CALL,
      "if (isNews) env.onEvent({ event: 'lease_lost'",
      "lost.abort();\n        if (isNews) env.onEvent({ event: 'lease_lost'",
    ),
    edit(
      CALL,
      'AbortSignal.any([job.canceled, job.shutdown])',
      'AbortSignal.any([job.canceled, job.shutdown, lost.signal])',
    ),
  ),
  mutant(
    'a paid failure runs again on submission',
    edit(SUBMIT, "if (row.billed !== 'no') return { kind: 'replay', row };", ''),
    edit(CLAIM, "return row.billed === 'no' || permit.paid === true;", 'return true;'),
  ),
  mutant(
    'a doubt is left unnamed',
    edit(CLAIM, 'const doubt = { token: row.token + 1,', 'const doubt = { token: row.token,'),
  ),
  mutant(
    '`billed` speaks of the last claim only',
    edit(
      SETTLE,
      "failWith(row, 'provider_rejected', message, now, said)",
      "({ ...failWith(row, 'provider_rejected', message, now, said), billed: 'no' })",
    ),
  ),
  mutant(
    'a cancel in the call says `billed: no`',
    edit(
      DECIDE,
      "return moveTo(row, 'CANCELED', now, { completed_at: now, calls });",
      "return { ...moveTo(row, 'CANCELED', now, { completed_at: now, calls }), billed: 'no' as const };",
    ),
  ),
  mutant(
    'a decision answers whatever doubt there is',
    edit(DECIDE, 'if (row.token !== decision.doubt) {', 'if (row === undefined) {'),
  ),
  mutant(
    'a decision that counted is refused when it is asked for again',
    edit(DECIDE, 'if (row && isOwn(row, decision))', 'if (row === undefined)'),
  ),
  mutant(
    'no look at the clock before the send',
    edit(CALL, '  let since = claimedAt;', '  if (leaseMs > 0) return true;\n  let since = claimedAt;'),
  ),
  mutant(
    'a bad answer with an old token settles the job',
    edit(SETTLE, 'const settles = isOwner(row, claimed) ||', 'const settles = true ||'),
  ),
  mutant(
    'a release with an old token frees the job',
    edit(
      SETTLE,
      '    if (isOwner(row, claimed)) {\n      const job = settle(known, now);',
      '    if (row) {\n      const job = settle(known, now);',
    ),
  ),
  mutant(
    'a permit opens a job at any token',
    edit(CLAIM, 'if (permit?.token !== row.token) return false;', 'if (!permit) return false;'),
  ),
  mutant(
    'a claim does not compare the input',
    edit(CLAIM, 'if (row.input_digest !== digest) {', 'if (row === undefined) {'),
  ),
  mutant(
    'another input replaces one that was claimed',
    edit(
      SUBMIT,
      " && row.error?.code === 'invalid_input' && row.attempts === 0",
      " && row.error?.code === 'invalid_input'",
    ),
  ),
  mutant(
    'a forgotten job takes a late answer',
    edit(
      SETTLE,
      "if (!row || row.status === 'FORGOTTEN' || row.input_digest !== claimed.input_digest) return dropped(row);",
      'if (!row || row.input_digest !== claimed.input_digest) return dropped(row);',
    ),
  ),
  mutant(
    'an unknown outcome is released',
    edit(
      CALL,
      ': doubtClaim(env, job, claimed, outcome.reason, save);',
      ": releaseClaim(env, job, claimed, { kind: 'not_executed', reason: 'x', message: 'x' }, save);",
    ),
  ),
  mutant(
    'the policy reruns again and again',
    edit(
      DECIDE,
      "return row.decisions.some((decision) => decision.action === 'rerun' && decision.by === POLICY);",
      'return row.decisions.length < 0;',
    ),
  ),
  mutant(
    'the policy does not wait until no answer can come',
    edit(
      POLICY,
      'const finalAt = lastSentAt(row, since) + policy.callTimeoutMs + policy.settleMs;',
      'const finalAt = lastSentAt(row, since);',
    ),
  ),
  mutant(
    'a cancel leaves a permit alive',
    edit(
      DECIDE,
      "    case 'FAILED':\n    case 'CANCELED':\n      return moveTo(row, row.status, now);",
      "    case 'FAILED':\n    case 'CANCELED':\n      return null;",
    ),
  ),
  mutant(
    'a redelivery renames the doubt',
    edit(
      RUN,
      'return recover(env, job, seen.row);',
      "return recover(env, job, (await env.store.update(key, (row) => row?.status !== 'IN_DOUBT' ? { returns: row } : { returns: row, job: { ...row, token: row.token + 1, doubt: { ...row.doubt!, token: row.token + 1 } } })) ?? seen.row);",
    ),
  ),
  mutant(
    'one call known not executed heals the doubt about another',
    edit(
      SETTLE,
      "if (row.status === 'IN_DOUBT' && openCalls(known).every((call) => call.generation !== row.generation)) {",
      "if (row.status === 'IN_DOUBT') {",
    ),
  ),
  mutant(
    'an answer in hand is given up at the first error of the store',
    edit(
      CALL,
      'if (!passes || (tries > 1 && env.clock.monotonic() + wait > until)) throw e;',
      'if (wait > 0) throw e;',
    ),
  ),
  mutant(
    'a bad answer settles a doubt beside an open call',
    edit(SETTLE, "(row.status === 'IN_DOUBT' && isLastOpen)", "row.status === 'IN_DOUBT'"),
  ),
  mutant(
    'a call that the provider runs is not asked for by its id',
    edit(
      'once/rules/operation.ts',
      "if (row.status !== 'IN_PROGRESS') return null;",
      'if (row) return null;',
    ),
  ),
  mutant(
    'the id of a running call is dropped where its claim was lost',
    edit(
      'once/rules/operation.ts',
      'if (!row || !openCalls(row)',
      'if (!row || !isOwner(row, claimed) || !openCalls(row)',
    ),
  ),
  mutant(
    'a call that the provider does not know any more is asked for without end',
    edit(
      'once/resume.ts',
      "if (polled.kind === 'running' && left > 0) {",
      "if (left > 0 || polled.kind === 'gone') {",
    ),
  ),
  mutant(
    'a running call is asked for without end',
    edit(
      'once/resume.ts',
      "if (polled.kind === 'running' && left > 0) {",
      "if (polled.kind === 'running') {",
    ),
  ),
  mutant(
    'the run ends without a last look at the record',
    edit(WORKFLOW, "if (record.status === 'COMPLETED') return record;", 'if (record) return record;'),
  ),
  mutant(
    'a job on hold is not looked at again',
    edit(
      WORKFLOW,
      'condition(() => this.wakes !== wakesBefore, ms)',
      'condition(() => this.wakes !== wakesBefore)',
    ),
  ),
  mutant(
    'a cancel is lost where the activity never heard of it',
    edit(WORKFLOW, '!isCancellation(error) && !isCanceled()', '!isCancellation(error)'),
  ),
  mutant(
    'a canceled run continues as new',
    edit(
      WORKFLOW,
      'workflowInfo().continueAsNewSuggested && !isCanceled()',
      'workflowInfo().continueAsNewSuggested',
    ),
  ),
  mutant(
    'a cancel is lost where a run waits to continue as new',
    edit(
      WORKFLOW,
      'if (workflowInfo().continueAsNewSuggested) await this.untilHandled();',
      'if (workflowInfo().continueAsNewSuggested) await condition(allHandlersFinished);',
    ),
  ),
  mutant(
    'the last look at the record is older than the last decision',
    edit(
      WORKFLOW,
      'if (!allHandlersFinished() || this.wakes !== wakesBefore) return',
      'if (!allHandlersFinished()) return',
    ),
  ),
  mutant(
    'a cancel that comes as the run closes voids no permit',
    edit(
      'client/cancel.ts',
      'if (byRun && (!scope.store || !isSettled(byRun.status))) return byRun;',
      'if (byRun) return byRun;',
    ),
  ),
  mutant(
    'a caller is not told that the job has another input',
    edit(
      SUBMIT,
      "if (row.input_digest !== digest && !isReplaceable(row)) return { kind: 'mismatch', row };",
      '',
    ),
    edit(
      'client/answer.ts',
      "if (record.status !== 'FORGOTTEN' && record.input_digest !== digest) {",
      'if (record === undefined) {',
    ),
  ),
  mutant(
    'a canceled run with another input goes on with the job that it missed',
    edit(
      'activities/records.ts',
      'if (!row || row.input_digest !== seed.input_digest) return null;',
      'if (!row) return null;',
    ),
  ),
];
