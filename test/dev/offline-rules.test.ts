import OpenAI from 'openai';
import { ENRICH, useOfflineModel } from './offline-support';

const offline = useOfflineModel();

describe('behaviour on demand', () => {
  test('429 with Retry-After bills nothing and lasts as many times as told', async () => {
    await offline.model.rules({
      match: { job_id: 'busy' },
      times: 2,
      do: { status: 429, headers: { 'retry-after': '1800' } },
    });
    for (const _ of [1, 2]) {
      const error = await offline.ask('busy').catch((thrown) => thrown);
      expect(error).toBeInstanceOf(OpenAI.RateLimitError);
      expect(error).toMatchObject({ code: 'rate_limit_exceeded', type: 'requests' });
      expect(error.headers.get('retry-after')).toBe('1800');
    }
    expect(offline.model.billed('busy')).toBe(0);
    await offline.ask('busy');
    expect(offline.model.billed('busy')).toBe(1);
  });

  test('the nth request that matches is picked, and another rule does not hide it', async () => {
    await offline.model.rules(
      { match: { contains: 'chosen' }, times: 1, do: { content: 'first' } },
      { match: { contains: 'chosen', nth: 2 }, do: { status: 500 } },
    );
    expect((await offline.ask('chosen')).choices[0]!.message.content).toBe('first');
    await expect(offline.ask('chosen')).rejects.toMatchObject({ status: 500, type: 'server_error' });
    await expect(offline.ask('chosen')).resolves.toBeDefined();
  });

  test('a held call is seen in mid-air, unbilled, and goes on when released', async () => {
    await offline.model.rules({ match: { job_id: 'held' }, do: { hold: true } });
    const answer = offline.ask('held');
    await offline.model.waitForHeld('held');
    expect(await offline.model.state()).toMatchObject({
      held: [{ job_id: 'held', call_id: 'call-of-held' }],
    });
    expect(offline.model.billed('held')).toBe(0);
    expect(await offline.model.release('another')).toBe(0);
    expect(await offline.model.release('held')).toBe(1);
    expect(offline.phasesOf((await answer).id)).toContain('billed');
  });

  test('a caller that goes away in mid-call is billed all the same, and the answer can be found', async () => {
    await offline.model.rules({ match: { job_id: 'gone' }, do: { hold: true } });
    const caller = new AbortController();
    const answer = offline.ask('gone', {}, { signal: caller.signal });
    await offline.model.waitForHeld('gone');
    caller.abort();
    await expect(answer).rejects.toThrow();
    await offline.model.release('gone');
    await offline.model.waitForState(({ in_flight }) => in_flight.length === 0);
    expect(offline.model.billed('gone')).toBe(1);
    const [id] = await offline.listed('gone');
    expect(offline.phasesOf(id!)).toEqual(['billed']);
  });

  test.each([
    ['a reset before it ran', { reset: 'before' }, 0],
    ['a reset after billing', { reset: 'after_billing' }, 1],
    ['half a body', { truncate: true }, 1],
    ['a body that is not JSON', { not_json: true }, 1],
    ['a 500 that was executed', { status: 500, bill: true }, 1],
    ['a 500', { status: 500 }, 0],
    ['a 400', { status: 400 }, 0],
  ] as const)('%s: what the ledger and the store then know', async (name, action, billed) => {
    const job = `fault ${name}`;
    await offline.model.rules({ match: { job_id: job }, do: action });
    // The package hands on a 200 that is not JSON as text.
    const answer = await offline.ask(job).then(
      (value) => typeof value,
      () => 'error',
    );
    expect(answer).toBe(name.endsWith('not JSON') ? 'string' : 'error');
    expect(offline.model.billed(job)).toBe(billed);
    expect(await offline.listed(job)).toHaveLength(billed);
  });

  test('a call that hangs is never answered; billed where told', async () => {
    await offline.model.rules({ match: { job_id: 'hang' }, do: { hang: true, bill: true } });
    const caller = new AbortController();
    const answer = offline.ask('hang', {}, { signal: caller.signal });
    const before = (await offline.model.state()).billed;
    await offline.model.waitForState(({ in_flight }) => in_flight.some(({ job_id }) => job_id === 'hang'));
    await offline.model.waitForState(({ billed }) => billed > before || offline.model.billed('hang') === 1);
    caller.abort();
    await expect(answer).rejects.toThrow();
    await offline.model.waitForState(({ in_flight }) => in_flight.length === 0);
  });

  test('content, refusal, finish reason and missing usage are as told', async () => {
    await offline.model.rules(
      {
        match: { job_id: 'told', nth: 1 },
        do: { content: '', usage: null, finish_reason: 'content_filter' },
      },
      { match: { job_id: 'told', nth: 2 }, do: { refusal: 'I would rather not.' } },
      { match: { job_id: 'told', nth: 3 }, do: { finish_reason: 'length' } },
    );
    const odd = await offline.ask('told');
    expect(odd.choices[0]).toMatchObject({ finish_reason: 'content_filter', message: { content: '' } });
    expect(odd.usage).toBeUndefined();
    const refused = await offline.ask('told');
    expect(refused.choices[0]!.message).toMatchObject({ content: null, refusal: 'I would rather not.' });
    const short = await offline.ask('told', {
      response_format: ENRICH,
      messages: [{ role: 'user', content: '{"title":"x"}' }],
    });
    expect(short.choices[0]!.finish_reason).toBe('length');
    expect(() => JSON.parse(short.choices[0]!.message.content!)).toThrow();
  });

  test('a redirect leads to where it is told, and bills nothing here', async () => {
    await offline.model.rules({
      match: { job_id: 'moved' },
      do: { redirect: 'http://127.0.0.1:9/v1/elsewhere' },
    });
    const response = await fetch(`${offline.model.baseUrl}/chat/completions`, {
      method: 'POST',
      redirect: 'manual',
      body: JSON.stringify({
        model: 'm',
        messages: [{ role: 'user', content: '' }],
        metadata: { job_id: 'moved' },
      }),
    });
    expect(response.status).toBe(307);
    expect(response.headers.get('location')).toBe('http://127.0.0.1:9/v1/elsewhere');
    expect(offline.model.billed('moved')).toBe(0);
  });

  test('the list can fail too, so that recovery can be tried', async () => {
    await offline.model.rules({ match: { route: 'list' }, times: 1, do: { status: 503 } });
    await expect(offline.listed('any')).rejects.toMatchObject({ status: 503 });
    await expect(offline.listed('any')).resolves.toEqual([]);
  });

  test('a misspelt rule is refused, not ignored', async () => {
    await expect(offline.model.rules({ do: { statsu: 500 } } as never)).rejects.toThrow('statsu');
  });
});
