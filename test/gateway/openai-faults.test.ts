import { execFile } from 'node:child_process';
import dns from 'node:dns';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { JobClient } from '../../src';
import type { RuleAction } from '../../src/dev/offline/protocol';
import { createProvider } from '../../src/provider/openai';
import { needPythonPackage, OPENAI } from '../support/python-client';
import { until } from '../support/until';
import { startWorld, TEST_POLICY, type World } from '../support/world';
import { startGateway, type TestGateway } from './support';

const QUESTION = { model: 'gpt-6-luna', messages: [{ role: 'user' as const, content: 'Who are you?' }] };
/** Callers lose patience long before a call does. */
const POLICY = { ...TEST_POLICY, callTimeoutMs: 6_000, settleMs: 8_000 };

/** What a caller sees in the end: the id of an answer, or a status with its code. */
type Seen = ['answer', string] | [number, string];

const ANSWER = ['answer', expect.stringMatching(/^chatcmpl/)];
const DOUBT = [409, 'job_in_doubt'];

/** What the provider does to the call; what is seen of it where answers can be found again, and where not. */
const FAULTS: [
  name: string,
  does: RuleAction,
  times: number,
  billed: number,
  stored: unknown,
  none: unknown,
][] = [
  ['hangs after it has billed', { hang: true, bill: true }, 9, 1, ANSWER, DOUBT],
  ['hangs and bills nothing', { hang: true }, 9, 0, DOUBT, DOUBT],
  ['resets the connection after it has billed', { reset: 'after_billing' }, 9, 1, ANSWER, DOUBT],
  ['breaks off in mid-answer', { truncate: true }, 9, 1, ANSWER, DOUBT],
  ["bills and answers after the callers' time-outs", { delay_ms: 3_000 }, 9, 1, ANSWER, ANSWER],
  ["bills and answers after the call's own time-out", { delay_ms: 8_000 }, 9, 1, ANSWER, DOUBT],
  ['limits the rate twice', { status: 429, headers: { 'retry-after': '1' } }, 2, 1, ANSWER, ANSWER],
  ['states a failure (500) twice', { status: 500 }, 2, 1, ANSWER, ANSWER],
  ['states an outage (503) twice', { status: 503 }, 2, 1, ANSWER, ANSWER],
  ["gives a 500 that is not the provider's own", { status: 500, body: '<html>' }, 9, 0, DOUBT, DOUBT],
];

const LANES = ['stored', 'none'] as const;
const SDKS = ['node', 'python'] as const;
type Lane = (typeof LANES)[number];

describe('the official SDKs, with their own retries and time-outs, against a provider with faults', () => {
  const packages = needPythonPackage(OPENAI);
  const gateways = {} as Record<Lane, TestGateway>;
  /** How often an SDK has sent a key again by itself. */
  const sentAgain = new Map<string, number>();
  const seen = new Map<string, Seen>();
  let world: World;
  let stopLookingUp: () => void;

  const idOf = (lane: Lane, sdk: string, fault: number) => `${lane}-${sdk}-${fault}`;

  beforeAll(async () => {
    stopLookingUp = nameStandIn('api.openai.com');
    world = await startWorld({ server: 'dev' });
    for (const lane of LANES) gateways[lane] = await openLane(lane);
    await world.model.rules(
      ...FAULTS.flatMap(([, does, times], fault) =>
        LANES.flatMap((lane) =>
          SDKS.map((sdk) => ({ match: { job_id: idOf(lane, sdk, fault) }, times, do: does })),
        ),
      ),
    );
    await Promise.all(
      LANES.flatMap((lane) =>
        SDKS.map((sdk) => {
          const ids = FAULTS.map((_, fault) => idOf(lane, sdk, fault));
          return askAll(ids, askBy(sdk, lane));
        }),
      ),
    );
  }, 120_000);

  afterAll(async () => {
    for (const gateway of Object.values(gateways)) await gateway.stop();
    await world.stop();
    stopLookingUp();
  });

  /** A worker for which the stand-in is the OpenAI API itself, whose stated failures are taken at their word. */
  async function openLane(recovery: Lane): Promise<TestGateway> {
    const baseUrl = world.model.baseUrl.replace('127.0.0.1', 'api.openai.com');
    const { callTimeoutMs } = POLICY;
    const provider = createProvider({ baseUrl, apiKey: 'test-key', recovery, callTimeoutMs });
    expect(provider.openaiApi).toBe(true);
    await world.addWorker({ taskQueue: recovery, provider, policy: POLICY });
    const { client, store } = world;
    const jobs = new JobClient({ client, store, taskQueue: recovery });
    const gateway = await startGateway(world, { jobs: () => jobs });
    gateway.app.server.on('request', ({ headers }) => {
      const key = String(headers['idempotency-key']);
      const count = Number(headers['x-stainless-retry-count'] ?? 0);
      sentAgain.set(key, Math.max(count, sentAgain.get(key) ?? 0));
    });
    return gateway;
  }

  type Ask = (ids: string[]) => Promise<Seen[]>;

  async function askAll(ids: string[], ask: Ask): Promise<void> {
    for (const [at, told] of (await ask(ids)).entries()) seen.set(ids[at]!, told);
  }

  /** An SDK in a process of its own, with its default retries and a time-out of 1.5 s. */
  function askBy(sdk: (typeof SDKS)[number], lane: Lane): Ask {
    const script = sdk === 'node' ? 'openai-client.mjs' : 'openai_client.py';
    const program = sdk === 'node' ? process.execPath : 'python3';
    const env = { ...process.env, PYTHONPATH: packages };
    return async (ids) => {
      const args = [join(__dirname, '..', 'support', script), `${gateways[lane].url}/v1`, 'ask', ...ids];
      return JSON.parse((await promisify(execFile)(program, args, { env })).stdout);
    };
  }

  /** One request that waits as long as it takes. */
  function askByHttp(lane: Lane): Ask {
    const ask = async (id: string): Promise<Seen> => {
      const headers = { 'idempotency-key': id };
      const { status, body } = await gateways[lane].send('POST', '/v1/chat/completions', {
        body: QUESTION,
        headers,
      });
      return status === 200 ? ['answer', body.id] : [status, body.error.code];
    };
    return (ids) => Promise.all(ids.map(ask));
  }

  describe.each(LANES)('recovery %s', (lane) => {
    describe.each(SDKS)('the %s package', (sdk) => {
      test.each(
        FAULTS.map(
          ([name, , , billed, stored, none], fault) => [name, billed, { stored, none }, fault] as const,
        ),
      )('a provider that %s: billed %i', async (_, billed, ends, fault) => {
        const id = idOf(lane, sdk, fault);
        expect(seen.get(id)).toEqual(ends[lane]);
        // a call may be billed after everybody has given it up
        await until('it is billed', () => world.model.billed(id) >= billed);
        expect(world.model.billed(id)).toBe(billed);
      });

      test('its own retries have joined the jobs that outlasted its time-outs', () => {
        const slow = [0, 1, 4, 5].map((fault) => idOf(lane, sdk, fault));
        expect(slow.filter((id) => (sentAgain.get(id) ?? 0) < 1)).toEqual([]);
      });
    });
  });

  test.each<[string, Lane, RuleAction, number, unknown]>([
    ['resets after it has billed, and keeps answers', 'stored', { reset: 'after_billing' }, 9, ANSWER],
    ['resets after it has billed, and keeps nothing', 'none', { reset: 'after_billing' }, 9, DOUBT],
    ['limits the rate twice', 'none', { status: 429, headers: { 'retry-after': '1' } }, 2, ANSWER],
    ['answers after the callers have lost patience', 'none', { delay_ms: 3_000 }, 9, ANSWER],
  ])(
    '50 who race for one key see one end for one call, where the provider %s',
    async (name, lane, does, times, end) => {
      const id = `race-${lane}-${Object.keys(does)[0]}`;
      await world.model.rules({ match: { job_id: id }, times, do: does });
      const asked = [askBy('node', lane)(Array(20).fill(id)), askBy('python', lane)(Array(10).fill(id))];
      const ends = (await Promise.all([...asked, askByHttp(lane)(Array(20).fill(id))])).flat();
      expect(ends).toHaveLength(50);
      expect(ends[0]).toEqual(end);
      expect(new Set(ends.map((one) => JSON.stringify(one))).size).toBe(1);
      expect([name, world.model.billed(id)]).toEqual([name, 1]);
    },
  );

  test('no call was billed beyond these', () => {
    const paid = FAULTS.reduce((sum, [, , , billed]) => sum + billed, 0);
    expect(world.model.billed()).toBe(paid * LANES.length * SDKS.length + 4);
  });
});

/** Has this process find the stand-in under a name, as a name server would. @returns undoes it */
function nameStandIn(name: string): () => void {
  const { lookup } = dns;
  const renamed = (host: string, ...rest: unknown[]) =>
    (lookup as (...args: unknown[]) => void)(host === name ? '127.0.0.1' : host, ...rest);
  dns.lookup = renamed as typeof lookup;
  return () => {
    dns.lookup = lookup;
  };
}
