import { EncryptionCodec } from '../../src/encryption/payload-codec';
import { testKeys } from '../support/encryption-keys';
import { startWorld, type World } from '../support/world';
import { film, keysOf, startGateway, type TestGateway } from './support';

const TOKEN = 'a-codec-token-of-32-characters-or-more';
const UI = 'https://temporal.example.com';
const ENV = {
  INFER_ONCE_ENCRYPTION_KEYS_FILE: 'keys.json',
  INFER_ONCE_CODEC_TOKEN: TOKEN,
  INFER_ONCE_CODEC_ORIGINS: `http://localhost:8233, ${UI}`,
};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const base64 = (text: string) => Buffer.from(text).toString('base64');
const PLAIN = { metadata: { encoding: base64('json/plain') }, data: base64('{"title":"secret"}') };

describe('the codec endpoint', () => {
  let world: World;
  let gateway: TestGateway;
  const encryption = testKeys('k1');
  const tenants = keysOf('acme');
  beforeAll(async () => {
    world = await startWorld({ encryption });
    await world.addWorker();
    gateway = await startGateway(world, { env: ENV, keys: tenants.keys });
  });
  afterAll(async () => {
    await gateway.stop();
    await world.stop();
  });

  const post = (act: string, payloads: unknown, headers: Record<string, string> = bearer(TOKEN)) =>
    gateway.send('POST', `/codec/${act}`, { body: { payloads }, headers });

  test('encodes and decodes by Temporal’s remote codec protocol', async () => {
    const encoded = await post('encode', [PLAIN, PLAIN]);
    expect(encoded.status).toBe(200);
    const [first, second] = encoded.body.payloads;
    expect(first).toEqual({
      metadata: { encoding: base64('binary/encrypted'), 'encryption-key-id': base64('k1') },
      data: expect.any(String),
    });
    expect(first.data).not.toBe(second.data);
    expect(Buffer.from(first.data, 'base64').includes('secret')).toBe(false);
    const decoded = await post('decode', [first, PLAIN, second]);
    expect(decoded.body).toEqual({ payloads: [PLAIN, PLAIN, PLAIN] });
    expect(decoded.headers.get('cache-control')).toBe('no-store');
  });

  test('shows what a job left in history', async () => {
    await world.jobs.run({ job_id: 'shown', ...film('a secret film') });
    const { events } = await world.client.workflow.getHandle('shown').fetchHistory();
    const [sealed] = events![0]!.workflowExecutionStartedEventAttributes!.input!.payloads!;
    const metadata = Object.fromEntries(
      Object.entries(sealed!.metadata!).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]),
    );
    const { body } = await post('decode', [
      { metadata, data: Buffer.from(sealed!.data!).toString('base64') },
    ]);
    expect(JSON.parse(Buffer.from(body.payloads[0].data, 'base64').toString())).toMatchObject(
      film('a secret film'),
    );
  });

  test.each<[string, Record<string, string>]>([
    ['no token', {}],
    ['another token', bearer(`${TOKEN}x`)],
    ['the beginning of the token', bearer(TOKEN.slice(0, -1))],
    ['a tenant’s API key', tenants.headers.acme!],
    ['a cookie that nobody gave', { cookie: `infer_once_codec=${TOKEN}`, origin: UI }],
  ])('nobody with %s is answered', async (_, headers) => {
    for (const act of ['encode', 'decode']) {
      const { status, body } = await post(act, [PLAIN], headers);
      expect({ status, code: body.code }).toEqual({ status: 401, code: 'unauthorized' });
      expect(JSON.stringify(body)).not.toContain(TOKEN);
    }
  });

  test('the codec token opens no job', async () => {
    const { status } = await gateway.send('GET', '/v1/jobs/shown', { headers: bearer(TOKEN) });
    expect(status).toBe(401);
  });

  test('pages of Temporal UI’s origin may ask, and no others', async () => {
    const preflight = (origin: string) =>
      gateway.send('OPTIONS', '/codec/decode', {
        headers: {
          origin,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization,content-type,x-namespace',
        },
      });
    const { status, headers } = await preflight(UI);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(UI);
    expect(headers.get('access-control-allow-headers')).toBe('authorization,content-type,x-namespace');
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    const asked = await post('decode', [PLAIN], { ...bearer(TOKEN), origin: UI, 'x-namespace': 'default' });
    expect(asked.status).toBe(200);
    expect(asked.headers.get('access-control-allow-origin')).toBe(UI);
    // the page of the sign-in is the gateway's own
    expect(
      (
        await gateway.send('POST', '/codec', {
          body: 'token=x',
          headers: { origin: UI, 'content-type': 'application/x-www-form-urlencoded' },
        })
      ).status,
    ).toBe(403);
    for (const origin of ['https://evil.example.com', `${UI}.evil.com`, 'null']) {
      expect((await preflight(origin)).status).toBe(403);
      const refused = await post('decode', [PLAIN], { ...bearer(TOKEN), origin });
      expect(refused.status).toBe(403);
      expect(refused.headers.get('access-control-allow-origin')).toBeNull();
    }
  });

  test('a browser signs in once, and its cookie serves pages of that origin alone', async () => {
    const form = (token: string) => ({
      body: `token=${encodeURIComponent(token)}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect((await gateway.send('GET', '/codec')).body).toContain('<form method="post"');
    const wrong = await gateway.send('POST', '/codec', form('wrong'));
    expect({ status: wrong.status, cookie: wrong.headers.get('set-cookie') }).toEqual({
      status: 401,
      cookie: null,
    });
    const { status, headers } = await gateway.send('POST', '/codec', form(TOKEN));
    expect(status).toBe(200);
    const given = headers.get('set-cookie')!;
    expect(given).toMatch(/; Path=\/codec; Max-Age=43200; HttpOnly; Secure; SameSite=Strict$/);
    expect(given).not.toContain(TOKEN);
    const cookie = given.split(';')[0]!;
    expect((await post('decode', [PLAIN], { cookie, origin: UI })).status).toBe(200);
    expect((await post('decode', [PLAIN], { cookie })).status).toBe(401);
    expect((await post('decode', [PLAIN], { cookie, origin: 'https://evil.example.com' })).status).toBe(403);
  });

  test('a payload of another key, or a broken one, is an error that shows nothing', async () => {
    const other = new EncryptionCodec(testKeys('k9'));
    const [sealed] = await other.encode([{ metadata: {}, data: Buffer.from('secret') }]);
    const metadata = { encoding: base64('binary/encrypted'), 'encryption-key-id': base64('k9') };
    const data = Buffer.from(sealed!.data!).toString('base64');
    const missing = await post('decode', [{ metadata, data }]);
    expect(missing).toMatchObject({ status: 500, body: { code: 'encryption_key_missing' } });
    expect(missing.body.detail).toContain('sealed with key k9');
    const broken = await post('decode', [
      { metadata: { ...metadata, 'encryption-key-id': base64('k1') }, data },
    ]);
    expect(broken).toMatchObject({ status: 400, body: { code: 'payload_corrupt' } });
    expect(await post('decode', 'none')).toMatchObject({ status: 400, body: { code: 'invalid_payloads' } });
  });
});

test('without a token, or without keys, there is no codec endpoint', async () => {
  const sealed = await startWorld({ encryption: testKeys('k1') });
  const plain = await startWorld();
  const gateways = [await startGateway(sealed), await startGateway(plain, { env: ENV })];
  for (const gateway of gateways) {
    const options = { body: { payloads: [PLAIN] }, headers: bearer(TOKEN) };
    expect((await gateway.send('POST', '/codec/decode', options)).status).toBe(404);
    await gateway.stop();
  }
  await plain.stop();
  await sealed.stop();
});
