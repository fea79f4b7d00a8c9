import { newRow } from '../../src/once/rules/row';
import type { StoredJob } from '../../src/store/store';

/** A PENDING row at time 1,000, changed as a test wants it. */
export function storedJob(key: string, change: Partial<StoredJob> = {}): StoredJob {
  const seed = { key, task: 'enrich', task_version: '1', input_digest: 'd'.repeat(64) };
  return { ...newRow({ ...seed, input_json: '{"title":"Lamp"}' }, 1000).row, ...change };
}

/** A row in which every field is set, to see that none is lost. */
export function fullJob(key: string): StoredJob {
  const usage = { input_tokens: 12, cached_tokens: null, output_tokens: 0, reasoning_tokens: 3 };
  return storedJob(key, {
    input: { blob: 'input/1', bytes: 70_000 },
    status: 'COMPLETED',
    token: 7,
    generation: 2,
    result: { json: '{"a":[1,null,"\\ud800 \\u0000 ü 🦊"]}' },
    error: { code: 'refused', message: 'line\nand "quotes"' },
    rejection: { status: 400, body: { error: { message: 'no "such" model' } } },
    billed: 'yes',
    attempts: 3,
    calls: [
      {
        call_id: 'c1',
        generation: 1,
        token: 2,
        claimed_at: 1001,
        fate: 'executed',
        late: { result: { json: '""' }, usage, cost_usd: 0, model: null, request_id: null, at: 1002 },
        raw: { json: '"raw"' },
        usage: null,
      },
    ],
    lease_until: 2000,
    refusal: { reason: 'rate_limited', message: 'later', since: 1300, retry_at: 1400 },
    doubt: { token: 4, since: 1500, reason: 'reset', recovering: true },
    decisions: [{ action: 'rerun', doubt: 4, by: 'ana', at: 1600 }],
    source: 'recovered',
    usage,
    cost_usd: 0.000_012,
    model: 'gpt-5-mini',
    request_id: 'req_1',
    sent_at: 1200,
    updated_at: 1900,
    completed_at: 1900,
  });
}
