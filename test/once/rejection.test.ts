import { cancel, forget } from '../../src/once/rules/decide';
import { release } from '../../src/once/rules/settle';
import type { StoredJob } from '../../src/store/store';
import { storedJob } from '../support/stored-job';

const said = { status: 429, body: { error: { message: 'Slow down.' } } };
const inCall = storedJob('a', {
  status: 'IN_PROGRESS',
  token: 2,
  calls: [{ call_id: 'c1', generation: 1, token: 2, claimed_at: 1000, fate: 'open' }],
});
const claimed = { call_id: 'c1', token: 2, input_digest: inCall.input_digest };
const refused = (deadline_ms: number) =>
  release(claimed, { reason: 'rate_limited', message: 'later', said, delay_ms: 1000, deadline_ms });

test("the provider's words are kept where refusals used up the job's time, and not while it goes on", () => {
  expect(refused(60_000)(inCall, 2000).job).toMatchObject({ status: 'PENDING', rejection: undefined });
  expect(refused(500)(inCall, 2000).job).toMatchObject({ status: 'FAILED', rejection: said });
});

test('a cancel of the failed job keeps them, forget erases them', () => {
  const failed = refused(500)(inCall, 2000).job as StoredJob;
  expect(cancel(null)(failed, 3000).job).toMatchObject({ status: 'FAILED', rejection: said });
  expect(JSON.stringify(forget(failed.token)(failed, 3000).job)).not.toContain('Slow down');
});
