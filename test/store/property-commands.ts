import fc from 'fast-check';
import type { Answered, BadAnswer } from '../../src/once/outcome';
import { claim, expire, refuseInput, renew } from '../../src/once/rules/claim';
import { applyPolicy, cancel, decide, forget, setRecovering } from '../../src/once/rules/decide';
import { saveOperation } from '../../src/once/rules/operation';
import type { JobSeed } from '../../src/once/rules/row';
import { complete, doubt, failAnswered, reject, release } from '../../src/once/rules/settle';
import { submit } from '../../src/once/rules/submit';
import type { Decide, StoredJob } from '../../src/store/store';

/** A claim that an actor holds, or once held. */
export interface Claim {
  call_id: string;
  token: number;
  input_digest: string;
}

/** One command before it meets the job: what it does, and how old the token is that it names. */
export interface Planned {
  op: (typeof OPS)[number];
  /** Which input: most submit the same. */
  input: 'a' | 'b';
  /** How many claims back is the one that speaks; 0 is the newest. */
  back: number;
  /** How far the token named is behind the present one. */
  behind: number;
  /** So large a text that it becomes a blob. */
  isLarge: boolean;
  flag: boolean;
  id: number;
}

const OPS = [
  'submit',
  'claim',
  'claim',
  'renew',
  'expire',
  'complete',
  'recover',
  'fail',
  'reject',
  'release',
  'give up',
  'doubt',
  'started',
  'rerun',
  'adopt',
  'adopt_late',
  'abandon',
  'policy',
  'recovering',
  'cancel',
  'refuse',
  'forget',
] as const;

export const command: fc.Arbitrary<Planned> = fc.record({
  op: fc.constantFrom(...OPS),
  input: fc.oneof({ weight: 9, arbitrary: fc.constant('a' as const) }, fc.constant('b' as const)),
  back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(3)),
  behind: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(3)),
  isLarge: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  flag: fc.boolean(),
  id: fc.nat(1_000_000_000),
});

const FACTS = { usage: null, cost_usd: 0.001, model: 'm', request_id: null };
const LARGE = 'x'.repeat(70_000);

function seedOf(key: string, input: 'a' | 'b', isLarge: boolean): JobSeed {
  const input_json = JSON.stringify({ title: isLarge ? input + LARGE : input });
  return { key, task: 'enrich', task_version: '1', input_digest: input.repeat(64), input_json };
}

/** The rule that a command is, as the actor who gives it would call it. */
export function ruleFor(plan: Planned, key: string, row: StoredJob | null, claims: Claim[]): Decide<unknown> {
  const { op, input, back, behind, isLarge, flag, id } = plan;
  const seed = seedOf(key, input, isLarge);
  const token = (row?.token ?? 1) - behind;
  const stranger = { call_id: 'nobody', token, input_digest: seed.input_digest };
  const mine = claims.at(-1 - back) ?? stranger;
  const permit = flag ? { token, paid: id % 2 === 0 } : undefined;
  const text = isLarge ? `${id}${LARGE}` : String(id);
  const answer: Answered = { kind: 'answered', result: text, ...FACTS };
  const error = { code: 'truncated' as const, message: 'cut off' };
  const bad: BadAnswer = { kind: 'bad_answer', error, raw: text, ...FACTS };
  switch (op) {
    case 'submit':
      return submit(seed);
    case 'claim':
      // a lease of no time at all is over for whoever looks next
      return claim({ seed, permit, call_id: `call-${id}`, lease_ms: id % 3 === 0 ? 0 : 60_000 });
    case 'renew':
      return renew(mine, 60_000);
    case 'expire':
      return expire();
    case 'complete':
      return complete(mine, answer);
    case 'recover':
      return flag ? complete(mine, answer, 'recovered') : failAnswered(mine, bad);
    case 'fail':
      return failAnswered(mine, bad);
    case 'reject':
      return reject(mine, 'refused');
    case 'release':
      return release(mine);
    case 'give up':
      return release(mine, {
        reason: 'rate_limited',
        message: 'too often',
        delay_ms: 1000,
        deadline_ms: flag ? 0 : 60_000,
      });
    case 'started':
      return saveOperation(mine, `op-${id}`);
    case 'doubt':
      return doubt(mine, 'reset');
    case 'adopt':
      return decide({ action: 'adopt', doubt: token, by: 'ann', result: text });
    case 'rerun':
    case 'adopt_late':
    case 'abandon':
      return decide({ action: op, doubt: token, by: 'ann' });
    case 'policy':
      return applyPolicy(flag ? 'rerun' : 'fail', token);
    case 'recovering':
      return setRecovering(token, flag);
    case 'cancel':
      return cancel(flag ? seed : null, id % 2 === 0 ? mine : undefined);
    case 'refuse':
      return refuseInput(seed, permit, 'no such title');
    case 'forget':
      return forget(token);
  }
}
