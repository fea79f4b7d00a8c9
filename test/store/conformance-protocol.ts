import type { Answered } from '../../src/once/outcome';
import { type ClaimRequest, claim, expire } from '../../src/once/rules/claim';
import { cancel, type Decision, decide, forget } from '../../src/once/rules/decide';
import type { JobSeed } from '../../src/once/rules/row';
import { type Claimed, complete, release } from '../../src/once/rules/settle';
import { submit } from '../../src/once/rules/submit';
import type { Decide } from '../../src/store/store';
import type { Current } from './conformance';

const LEASE = 15_000;
const DIGEST = 'a'.repeat(64);

const seed = (digest = DIGEST): JobSeed => ({
  key: 'acme/job',
  task: 'enrich',
  task_version: '1',
  input_digest: digest,
  input_json: '{"title":"Lamp"}',
});

const request = (call_id: string, digest?: string): ClaimRequest => ({
  seed: seed(digest),
  permit: undefined,
  call_id,
  lease_ms: LEASE,
});

const answer = (result: unknown): Answered => ({
  kind: 'answered',
  result,
  usage: null,
  cost_usd: null,
  model: null,
  request_id: null,
});

/** The protocol's rules, run on this store. */
export function describeProtocol(current: Current): void {
  const run = <T>(rule: Decide<T>) => current().store.update('acme/job', rule);
  const row = async () => (await current().store.read('acme/job')).job!;

  async function claimed(call_id: string): Promise<Claimed> {
    const won = await run(claim(request(call_id)));
    if (won.kind !== 'claimed') throw new Error(`not claimed but ${won.kind}`);
    return { call_id, token: won.token, input_digest: DIGEST };
  }

  /** A claim whose worker died: its lease ran out and the job was run again. */
  async function supersededClaim(call_id: string): Promise<Claimed> {
    const dead = await claimed(call_id);
    await current().advance(LEASE);
    const doubt = await run(expire());
    await run(decide({ action: 'rerun', doubt: doubt!.token, by: 'ana' }));
    return dead;
  }

  test('of many claims at once one wins', async () => {
    const claims = await Promise.all(Array.from({ length: 50 }, (_, i) => run(claim(request(`c${i}`)))));
    const kinds = claims.map((result) => result.kind).sort();
    expect(kinds).toEqual([...Array(49).fill('busy'), 'claimed']);
    const winner = claims.findIndex((result) => result.kind === 'claimed');
    expect(await row()).toMatchObject({ attempts: 1, calls: [{ call_id: `c${winner}` }] });
  });

  test('of many submissions at once one creates the job', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => run(submit(seed()))));
    expect(answers.filter(({ kind }) => kind === 'created')).toHaveLength(1);
    expect(answers.filter(({ kind }) => kind === 'unsettled')).toHaveLength(19);
  });

  test('a lease that ran out is a doubt with a higher token, once, and never a new claim', async () => {
    const { token } = await claimed('c1');
    expect(await run(claim(request('c2')))).toMatchObject({ kind: 'busy' });
    await current().advance(LEASE);
    expect(await run(claim(request('c2')))).toMatchObject({ kind: 'expired' });
    await Promise.all(Array.from({ length: 10 }, () => run(expire())));
    expect(await row()).toMatchObject({ status: 'IN_DOUBT', token: token + 1, doubt: { token: token + 1 } });
    expect(await run(claim(request('c3')))).toMatchObject({ kind: 'in_doubt', row: { token: token + 1 } });
  });

  test('the store’s clock ends a lease, never the process’s', async () => {
    await claimed('c1');
    const clock = jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 1000 * LEASE);
    try {
      expect(await run(claim(request('c2')))).toMatchObject({ kind: 'busy' });
    } finally {
      clock.mockRestore();
    }
  });

  test('a late answer never replaces the result', async () => {
    const dead = await supersededClaim('c1');
    const owner = await claimed('c2');
    expect(await run(complete(owner, answer('first')))).toMatchObject({ fate: 'won' });
    expect(await run(complete(dead, answer('late')))).toMatchObject({ fate: 'dropped' });
    expect(await row()).toMatchObject({
      status: 'COMPLETED',
      result: { json: '"first"' },
      source: 'inference',
    });
  });

  test('a late answer to an unsettled job is its result', async () => {
    const dead = await supersededClaim('c1');
    expect(await run(complete(dead, answer('late')))).toMatchObject({ fate: 'won' });
    expect(await row()).toMatchObject({ status: 'COMPLETED', result: { json: '"late"' }, source: 'late' });
  });

  test('a late answer to a canceled job is kept beside it, however large', async () => {
    const owner = await claimed('c1');
    await run(cancel(null));
    const text = 'x'.repeat(100_000);
    expect(await run(complete(owner, answer(text)))).toMatchObject({ fate: 'kept' });
    const kept = await row();
    expect(kept).toMatchObject({ status: 'CANCELED', result: null, billed: 'yes' });
    const late = kept.calls[0]?.late?.result as { blob: string };
    expect(await current().store.readBlob('acme/job', late.blob)).toBe(JSON.stringify(text));
  });

  const large = 'x'.repeat(100_000);

  test.each<[string, Pick<Decision, 'action'> & { result?: unknown }]>([
    ['rerun', { action: 'rerun' }],
    ['abandon', { action: 'abandon' }],
    ['adopt', { action: 'adopt', result: { a: 1 } }],
    ['adopt of a large result', { action: 'adopt', result: large }],
  ])(
    'a decision that counted is answered as applied when it comes again, and counts once: %s',
    async (_, wish) => {
      await claimed('c1');
      await current().advance(LEASE);
      const { token: doubt } = (await run(expire()))!;
      const decision = { ...wish, doubt, by: 'ana' } as Decision;
      expect(await run(decide(decision))).toMatchObject({ kind: 'applied' });
      const before = await row();
      expect(await run(decide(decision))).toEqual({ kind: 'repeated', row: before });
      for (const other of [
        { by: 'ben' },
        { doubt: doubt + 1 },
        { action: wish.action === 'rerun' ? 'abandon' : 'rerun' },
        ...(wish.action === 'adopt' ? [{ result: `y${large.slice(1)}` }, { action: 'adopt_late' }] : []),
      ]) {
        expect(await run(decide({ ...decision, ...other } as Decision))).toMatchObject({ kind: 'refused' });
      }
      expect(await row()).toEqual(before);
      // however far the job has come since
      if (wish.action === 'rerun') await run(complete(await claimed('c2'), answer('after')));
      expect(await run(decide(decision))).toMatchObject({ kind: 'repeated' });
      expect((await row()).decisions).toHaveLength(1);
    },
  );

  test.each([['small'], [large]])(
    'a late answer that was adopted is known as such when it is adopted again',
    async (text) => {
      const owner = await claimed('c1');
      await run(cancel(null));
      await run(complete(owner, answer(text)));
      const adopt: Decision = { action: 'adopt_late', doubt: (await row()).token, by: 'ana' };
      expect(await run(decide(adopt))).toMatchObject({ kind: 'applied', row: { status: 'COMPLETED' } });
      const before = await row();
      expect(await run(decide(adopt))).toEqual({ kind: 'repeated', row: before });
    },
  );

  test('a release with an old token does not free the new claim', async () => {
    const dead = await supersededClaim('c1');
    const owner = await claimed('c2');
    expect(await run(release(dead))).toMatchObject({ fate: 'kept' });
    expect(await row()).toMatchObject({ status: 'IN_PROGRESS', token: owner.token });
  });

  test.each([[null], [''], [[]], [false]])('the result %j is a hit', async (result) => {
    await run(complete(await claimed('c1'), answer(result)));
    const again = await run(submit(seed()));
    expect(again).toMatchObject({ kind: 'replay', row: { result: { json: JSON.stringify(result) } } });
    expect(await run(claim(request('c2')))).toMatchObject({ kind: 'settled' });
  });

  test('another input meets a mismatch and changes nothing', async () => {
    await claimed('c1');
    const before = await row();
    expect(await run(submit(seed('b'.repeat(64))))).toMatchObject({ kind: 'mismatch' });
    expect(await run(claim(request('c2', 'b'.repeat(64))))).toMatchObject({ kind: 'mismatch' });
    expect(await row()).toEqual(before);
  });

  test('a forgotten job keeps its id and none of its text', async () => {
    const owner = await claimed('c1');
    await run(complete(owner, answer('x'.repeat(100_000))));
    const { blob } = (await row()).result as { blob: string };
    expect(await current().store.readBlob('acme/job', blob)).not.toBeNull();
    await run(forget((await row()).token));
    expect(await current().store.readBlob('acme/job', blob)).toBeNull();
    expect(await row()).toMatchObject({ status: 'FORGOTTEN', input: null, result: null });
    expect(await run(complete(owner, answer('again')))).toMatchObject({ fate: 'dropped' });
  });
}
