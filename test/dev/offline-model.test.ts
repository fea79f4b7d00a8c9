import OpenAI from 'openai';
import { startOfflineModel } from '../../src/dev/offline';
import { ENRICH, useOfflineModel } from './offline-support';

const offline = useOfflineModel();

describe('answers', () => {
  test('a completion names the asked model, calls itself a stand-in, and counts a quarter token a character', async () => {
    const { data, request_id } = await offline
      .ask('plain', {
        messages: [{ role: 'user', content: '12345678' }],
      })
      .withResponse();
    const text = data.choices[0]!.message.content!;
    expect(text).toMatch(/^\[stand-in\]/);
    expect(data).toMatchObject({ model: 'gpt-5-mini', system_fingerprint: 'offline-stand-in' });
    expect(data.choices[0]!.finish_reason).toBe('stop');
    const completion = Math.ceil(text.length / 4);
    expect(data.usage).toMatchObject({
      prompt_tokens: 2,
      completion_tokens: completion,
      total_tokens: 2 + completion,
    });
    expect(request_id).toMatch(/^req_/);
    expect((await offline.openai.models.list()).data.map(({ owned_by }) => owned_by)).toEqual([
      'infer-once-stand-in',
    ]);
  });

  test.each([
    [
      { title: '  the lord  of the rings: the return (2003)' },
      'The Lord of the Rings: The Return (2003)',
      'Other',
    ],
    [{ title: 'WALL-E', description: 'A robot alone' }, 'WALL-E', 'Science Fiction'],
    [{ title: 'what is it for', category: ' Drama ' }, 'What Is It For', 'Drama'],
    [{ title: "rocky iii: don't give in", category: '' }, "Rocky III: Don't Give In", 'Other'],
  ])('enrich follows plain rules: %j', async (input, title, category) => {
    const messages = [{ role: 'user', content: `Enrich this:\n${JSON.stringify(input)}` }] as const;
    const { choices } = await offline.ask('enrich', { messages: [...messages], response_format: ENRICH });
    expect(JSON.parse(choices[0]!.message.content!)).toEqual({ normalized_title: title, category });
  });

  test('any other JSON schema gets a minimal valid instance', async () => {
    const schema = {
      type: 'object',
      properties: {
        kind: { enum: ['a', 'b'] },
        count: { type: 'integer', minimum: 3 },
        next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
        node: { $ref: '#/$defs/node' },
        tags: { type: 'array', items: { type: 'string', minLength: 2 }, minItems: 1 },
        optional: { type: 'boolean' },
      },
      required: ['kind', 'count', 'next', 'node', 'tags'],
      $defs: { node: { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'] } },
    };
    const { choices } = await offline.ask('schema', {
      response_format: { type: 'json_schema', json_schema: { name: 'other', schema } },
    });
    const wanted = { kind: 'a', count: 3, next: null, node: { on: false }, tags: ['xx'] };
    expect(JSON.parse(choices[0]!.message.content!)).toEqual(wanted);
  });

  test('a stream says the same in pieces and ends with the usage', async () => {
    const whole = await offline.ask('streamed');
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    const stream = await offline.openai.chat.completions.create({
      model: 'gpt-5-mini',
      messages: [{ role: 'user', content: 'Say something about streamed.' }],
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) chunks.push(chunk);
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    expect(chunks.length).toBeGreaterThan(5);
    expect(text).toBe(whole.choices[0]!.message.content);
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop');
    expect(chunks.at(-1)!.usage).toEqual(whole.usage);
    expect(offline.phasesOf(chunks[0]!.id)).toContain('billed');
  });

  test('a wrong key is refused in the provider’s shape where a key is asked for', async () => {
    const locked = await startOfflineModel({ apiKey: 'right' });
    const asking = (apiKey: string) =>
      new OpenAI({ baseURL: locked.baseUrl, apiKey, maxRetries: 0 }).models.list();
    await expect(asking('wrong')).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
    await expect(asking('right')).resolves.toBeDefined();
    await locked.stop();
  });
});

describe('stored completions', () => {
  test('are found by metadata, page by page, can be retrieved and deleted', async () => {
    const made = [await offline.ask('paged'), await offline.ask('paged'), await offline.ask('paged')].map(
      ({ id }) => id,
    );
    await offline.ask('paged', { store: false });
    const all: string[] = [];
    for await (const one of offline.openai.chat.completions.list({
      metadata: { job_id: 'paged' },
      limit: 2,
    })) {
      all.push(one.id);
    }
    expect(all).toEqual(made);
    const newest = await offline.openai.chat.completions.list({
      metadata: { job_id: 'paged' },
      order: 'desc',
      limit: 1,
    });
    expect(newest).toMatchObject({ has_more: true, data: [{ id: made[2] }] });
    expect(await offline.openai.chat.completions.retrieve(made[0]!)).toMatchObject({
      metadata: { call_id: 'call-of-paged' },
      request_id: expect.stringMatching(/^req_/),
    });

    expect(await offline.openai.chat.completions.delete(made[0]!)).toMatchObject({
      id: made[0],
      deleted: true,
    });
    await expect(offline.openai.chat.completions.retrieve(made[0]!)).rejects.toMatchObject({ status: 404 });
    expect(await offline.listed('paged')).toEqual(made.slice(1));
  });

  test('may be listed later than they are made', async () => {
    await offline.model.rules({ match: { job_id: 'later' }, do: { list_after_ms: 3_600_000 } });
    const { id } = await offline.ask('later');
    expect(await offline.listed('later')).toEqual([]);
    await expect(offline.openai.chat.completions.retrieve(id)).resolves.toMatchObject({ id });
  });
});
