import { startWorld, type World } from '../support/world';
import { clientOf, film, keysOf, sendVerbatim, startGateway, type TestGateway } from './support';

/** The victim's job is `film-1` of tenant `alpha`; its key in the store is `alpha/film-1`. */
const SECRET = 'a title that the attacker knows (1979)';
const VICTIM = 'alpha/film-1';

/** Ways to write the victim's job as an id of one's own, as they stand in a path. */
const ATTACKS = [
  'film-1',
  'alpha/film-1',
  'alpha%2Ffilm-1',
  'alpha%2ffilm-1',
  'alpha%252Ffilm-1',
  'alpha%25252Ffilm-1',
  '%61lpha%2Ffilm-1',
  '/alpha/film-1',
  '%2Falpha%2Ffilm-1',
  '../alpha/film-1',
  '..%2falpha%2ffilm-1',
  '%2e%2e%2falpha%2ffilm-1',
  'beta/../alpha/film-1',
  'beta%2F..%2Falpha%2Ffilm-1',
  './alpha%2Ffilm-1',
  'alpha%5Cfilm-1',
  'alpha%5cfilm-1',
  'alpha%EF%BC%8Ffilm-1',
  'alpha%E2%81%84film-1',
  'alpha%E2%88%95film-1',
  'alpha%C0%AFfilm-1',
  'alpha%u2215film-1',
  'alpha%00%2Ffilm-1',
  'alpha%2Ffilm-1%00',
  'alpha%2Ffilm-1%0A',
  'alpha%2Ffilm-1%20',
  'alpha;film-1',
  'alpha%3Bfilm-1',
  'alpha:film-1',
  'alpha%3Afilm-1',
  'alpha@film-1',
  'ALPHA%2Ffilm-1',
  'film-1%2F..%2F..%2Falpha%2Ffilm-1',
  'film-1;tenant=alpha',
  'film-1?tenant=alpha',
  'film-1%3Ftenant=alpha',
  'film-1%23alpha',
  '%EF%BB%BFalpha%2Ffilm-1',
  'alph%61%2Ffilm-1',
  // overlong UTF-8 of / and ., in three bytes and four
  'alpha%E0%80%AFfilm-1',
  'alpha%F0%80%80%AFfilm-1',
  '%C0%AE%C0%AE%2Falpha%2Ffilm-1',
  // wide dots, a reversed direction, a combining stroke, a surrogate
  '%EF%BC%8E%EF%BC%8E%2Falpha%2Ffilm-1',
  '%E2%80%AEalpha%2Ffilm-1',
  'alpha%CC%B8film-1',
  'alpha%ED%A0%80%2Ffilm-1',
  '%00alpha%2Ffilm-1',
  'alpha%2Ffilm-1%2500',
  'alpha%2F%2Ffilm-1',
  'alpha%2F.%2Ffilm-1',
  'alpha/film-1/',
  'alpha//film-1',
  'alpha%09film-1',
  'alpha%0D%0Afilm-1',
  '%20film-1',
  'film%2D1',
  '*%2Ffilm-1',
  'alpha%2F*',
  'alpha%2Ffilm-_',
  'alpha%2Ffilm%25',
  `${'beta%2F..%2F'.repeat(40)}alpha%2Ffilm-1`,
  `${'x'.repeat(255)}%2F..%2F..%2Falpha%2Ffilm-1`,
  `alpha%2Ffilm-1${'%00'.repeat(300)}`,
];

const ACTS: [method: string, suffix: string, body?: unknown][] = [
  ['GET', ''],
  ['GET', '?wait=0'],
  ['GET', '?after=0'],
  ['GET', '/events'],
  ['PUT', '', film(SECRET)],
  ['PUT', '', film('another input (1980)')],
  ['POST', '/retry'],
  ['POST', '/retry?wait=0'],
  ['POST', '/cancel'],
  ['POST', '/cancel?wait=0'],
  ['DELETE', ''],
  ['POST', '/resolve', { action: 'adopt', doubt: 3, result: { normalized_title: 'x', category: 'y' } }],
  ['POST', '/resolve', { action: 'abandon', doubt: 3 }],
];

describe('tenants', () => {
  const { keys, headers } = keysOf('alpha', 'beta');
  let world: World;
  let keyed: TestGateway;
  let open: TestGateway;
  let requestId: string;

  beforeAll(async () => {
    // the time-skipping server now and then loses the task of a run that is canceled as its call ends
    world = await startWorld({ server: 'dev' });
    await world.addWorker();
    keyed = await startGateway(world, { keys });
    open = await startGateway(world);
    const job = { job_id: 'film-1', ...film(SECRET) };
    requestId = (await clientOf(world, 'alpha').run(job, { timeoutMs: 30_000 })).request_id!;
  });

  afterAll(async () => {
    await keyed.stop();
    await open.stop();
    await world.stop();
  });

  const victim = async () => JSON.stringify(await world.store.read(VICTIM).then(({ job }) => job));

  /** Whether an answer shows the victim's record: it alone has this request id. */
  const told = (text: string) => text.includes(requestId);

  test.each([
    ['beta, with a key of its own', () => keyed, headers.beta],
    ['a caller without a tenant', () => open, undefined],
  ])("%s reaches another tenant's job by no id, escape or encoding", async (_, gateway, own) => {
    const before = await victim();
    for (const id of ATTACKS) {
      for (const [method, suffix, body] of ACTS) {
        const path = `/v1/jobs/${id}${suffix}`;
        const { text } = await sendVerbatim(gateway().url, method, path, { body, headers: own });
        if (told(text)) throw new Error(`${method} ${path} told of the victim's job`);
        // nor by the one write that all of these could do
        if ((await victim()) !== before) throw new Error(`${method} ${path} changed the victim's job`);
      }
    }
    expect(await world.model.billed(VICTIM)).toBe(1);
  });

  /** Every key that a header can carry: bytes from 0x80 on travel too. */
  const KEYS = ATTACKS.flatMap((id) => [id, decode(id), `"${decode(id)}"`, latin1(decode(id))]).filter(
    (key) => /^[\t\x20-\x7e\x80-\xff]*$/.test(key),
  );

  test('no Idempotency-Key is the job of another', async () => {
    const before = await victim();
    for (const key of KEYS) {
      const { text } = await sendVerbatim(keyed.url, 'POST', '/v1/jobs', {
        body: film('another input (1980)'),
        headers: { ...headers.beta, 'idempotency-key': key },
      });
      if (told(text) || (await victim()) !== before) throw new Error(`${key} reached the victim's job`);
    }
  });

  test.each([
    ['chat/completions', { model: 'm', messages: [{ role: 'user', content: SECRET }] }],
    ['responses', { model: 'm', input: SECRET }],
  ])("nor on OpenAI's route %s, where the same question is asked", async (route, body) => {
    const path = `/v1/${route}`;
    const own = { ...headers.alpha, 'idempotency-key': 'film-1' };
    // the id is one of alpha's other jobs: not even to itself is that another's answer
    expect((await keyed.send('POST', path, { body, headers: own })).status).toBe(422);
    const id = route.replace('/', '-');
    const asked = await keyed.send('POST', path, {
      body,
      headers: { ...headers.alpha, 'idempotency-key': id },
    });
    expect(asked.status).toBe(200);
    const row = async () => JSON.stringify((await world.store.read(`alpha/${id}`)).job);
    const before = await row();
    for (const key of KEYS.map((text) => text.replaceAll('film-1', id))) {
      for (const gateway of [keyed, open]) {
        const { status, text } = await sendVerbatim(gateway.url, 'POST', path, {
          body,
          headers: { ...(gateway === keyed && headers.beta), 'idempotency-key': key },
        });
        if (text.includes(asked.body.id)) throw new Error(`${key} was told alpha's answer`);
        if ((await row()) !== before) throw new Error(`${key} changed alpha's job`);
        // a key that can be no job_id is refused, any other is a job of one's own
        expect([key, status === 200 || (status >= 400 && status < 500)]).toEqual([key, true]);
      }
    }
    expect(await world.model.billed(`alpha/${id}`)).toBe(1);
  });

  test('no cursor, made up or of another, opens a list', async () => {
    const { job } = await world.store.read(VICTIM);
    const cursorOf = (...position: unknown[]) => Buffer.from(JSON.stringify(position)).toString('base64url');
    const cursors = [
      ...[job!.updated_at, job!.updated_at + 1, Number.MAX_SAFE_INTEGER, 1e308, -1].flatMap((at) =>
        [VICTIM, 'alpha/', 'alpha0', 'alpha/\u0000', '%', "alpha/' OR 1=1 --", ''].map((key) =>
          cursorOf(at, key),
        ),
      ),
      ...[cursorOf('0', VICTIM), cursorOf(0, { $gt: '' }), cursorOf(null, null), 'alpha/film-1', '..', '%00'],
    ];
    for (const cursor of cursors) {
      for (const limit of [1, 1000]) {
        const path = `/v1/jobs?limit=${limit}&cursor=${encodeURIComponent(cursor)}`;
        const { status, body } = await keyed.send('GET', path, { headers: headers.beta });
        expect([cursor, [200, 400].includes(status)]).toEqual([cursor, true]);
        if (told(JSON.stringify(body))) throw new Error(`the cursor ${cursor} told of the victim's job`);
      }
    }
  });

  test('one id of two tenants is two jobs, with an answer each', async () => {
    const submit = (tenant: 'alpha' | 'beta', title: string) =>
      keyed.send('PUT', '/v1/jobs/same-id?wait=30', { body: film(title), headers: headers[tenant] });
    const [alpha, beta] = await Promise.all([
      submit('alpha', 'heat (1995)'),
      submit('beta', 'brazil (1985)'),
    ]);
    expect([alpha.body.result.normalized_title, beta.body.result.normalized_title]).toEqual([
      'Heat (1995)',
      'Brazil (1985)',
    ]);
    expect([alpha.body.created, beta.body.created]).toEqual([true, true]);
    expect(await world.model.billed('alpha/same-id')).toBe(1);
    expect(await world.model.billed('beta/same-id')).toBe(1);
  });

  test("lists, pages and stats are of one's own jobs, whatever filter or cursor is given", async () => {
    await clientOf(world, 'beta').run({ job_id: 'of-beta', ...film('heat (1995)') }, { timeoutMs: 30_000 });
    const ids = async (gateway: TestGateway, query: string, own?: Record<string, string>) => {
      const { body } = await gateway.send('GET', `/v1/jobs${query}`, { headers: own });
      return (body.records ?? []).map((record: { job_id: string }) => record.job_id);
    };
    expect(await ids(keyed, '?task=enrich', headers.beta)).toContain('of-beta');
    const { body: page } = await keyed.send('GET', '/v1/jobs?limit=1', { headers: headers.alpha });
    expect(page.cursor).toEqual(expect.any(String));
    for (const query of ['', `?cursor=${page.cursor}`, '?status=COMPLETED', '?tenant=alpha']) {
      const seen = [...(await ids(keyed, query, headers.beta)), ...(await ids(open, query))];
      const text = JSON.stringify(await keyed.send('GET', `/v1/jobs${query}`, { headers: headers.beta }));
      expect(told(text)).toBe(false);
      expect(seen).not.toContain('alpha/film-1');
    }
    const jobs = async (gateway: TestGateway, own?: Record<string, string>) => {
      const { body } = await gateway.send('GET', '/v1/stats', { headers: own });
      return body.rows.reduce((sum: number, row: { jobs: number }) => sum + row.jobs, 0);
    };
    const counts = { alpha: await jobs(keyed, headers.alpha), beta: await jobs(keyed, headers.beta) };
    const { jobs: rows } = await world.store.list({ limit: 1000 });
    const ofTenant = (tenant: string) => rows.filter(({ key }) => key.startsWith(`${tenant}/`)).length;
    expect(counts).toEqual({ alpha: ofTenant('alpha'), beta: ofTenant('beta') });
    expect(await jobs(open)).toBe(rows.filter(({ key }) => !key.includes('/')).length);
  });
});

/** Text as the bytes of its UTF-8, one character a byte: what a careless client puts into a header. */
function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
