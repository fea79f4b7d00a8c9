import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { resolveTemporalBinary } from '../../src/dev/temporal';
import { CANARY, type Flight, fly, IDS, PROVIDER_KEY, placesOf, TOKEN } from '../support/canary-flight';
import { type PostgresServer, startPostgres } from '../support/postgres-server';

describe('a canary that flies through a whole stack', () => {
  let flight: Flight;
  beforeAll(async () => {
    flight = await fly({ encrypted: true });
  }, 120_000);
  afterAll(() => flight.stop());

  test('is found nowhere with encryption on', async () => {
    expect(flight.lines.length).toBeGreaterThan(IDS.length);
    expect(await placesOf(CANARY, flight)).toEqual([]);
  });

  test('nor is the provider’s key, the gateway’s or the codec’s', async () => {
    for (const key of [PROVIDER_KEY, flight.gatewayKey, TOKEN])
      expect(await placesOf(key, flight)).toEqual([]);
  });

  test('is shown by Temporal’s own program to who has the codec token', async () => {
    const binary = await resolveTemporalBinary('cli');
    const show = (...more: string[]) =>
      promisify(execFile)(
        binary,
        [
          ...['workflow', 'show', '--address', flight.stack.temporalAddress, '--workflow-id', 'acme/well'],
          ...['--output', 'json', ...more],
        ],
        { env: { HOME: flight.folder } },
      ).then(({ stdout }) =>
        // payloads are shown as base64
        [...stdout.matchAll(/"data": "([^"]*)"/g)]
          .map(([, data]) => Buffer.from(data!, 'base64').toString())
          .join('\n'),
      );
    const codec = ['--codec-endpoint', `${flight.stack.gatewayUrl}/codec`];
    const sealed = await show();
    expect(sealed).toContain('"COMPLETED"');
    expect(sealed).not.toContain(CANARY);
    const shown = await show(...codec, '--codec-auth', `Bearer ${TOKEN}`);
    expect(shown).toContain(`${CANARY} in a prompt: well`);
    expect(shown).toContain(`${CANARY} in an answer`);
    const refused = await show(...codec, '--codec-auth', `Bearer ${flight.gatewayKey}`).catch(String);
    expect(refused).not.toContain(CANARY);
  });
});

test('with encryption off the canary is found in store and history, and nowhere else; the keys still are not', async () => {
  const flight = await fly({ encrypted: false });
  const places = await placesOf(CANARY, flight);
  expect(places).toEqual(expect.arrayContaining(IDS.map((id) => `history of ${id}`)));
  expect(places.some((place) => place.startsWith('store.db'))).toBe(true);
  expect(places.some((place) => place.startsWith('temporal.db'))).toBe(true);
  expect(places).not.toContain('logs');
  expect(places).not.toContain('metrics');
  for (const key of [PROVIDER_KEY, flight.gatewayKey]) expect(await placesOf(key, flight)).toEqual([]);
  await flight.stop();
}, 120_000);

describe('with PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  /** In its tables and its write-ahead log. */
  const isInPostgres = async () => {
    await server.admin('CHECKPOINT');
    const files = readdirSync(join(server.folder, 'data'), { recursive: true, withFileTypes: true });
    return files
      .filter((file) => file.isFile() && /[\\/](base|pg_wal)([\\/]|$)/.test(file.parentPath))
      .some((file) => readFileSync(join(file.parentPath, file.name)).includes(CANARY));
  };

  test('it is in no file of the server’s with encryption on, and in some with it off', async () => {
    for (const encrypted of [true, false]) {
      const flight = await fly({ encrypted, storeUrl: await server.createDatabase() });
      expect(await isInPostgres()).toBe(!encrypted);
      if (encrypted) expect(await placesOf(CANARY, flight)).toEqual([]);
      await flight.stop();
    }
  }, 180_000);
});
