import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { losingAnswers } from '../promises/support';
import { needPythonPackage, OPENAI } from '../support/python-client';
import { until } from '../support/until';
import { startWorld, type World } from '../support/world';
import { startGateway, type TestGateway } from './support';

const run = promisify(execFile);
const packages = needPythonPackage(OPENAI);

describe('the official Python package, unchanged, at the gateway', () => {
  let world: World;
  let gateway: TestGateway;
  let requests = 0;
  beforeAll(async () => {
    world = await startWorld({ recovery: 'none' });
    await world.addWorker();
    gateway = await startGateway(world);
    gateway.app.server.on('request', () => {
      requests += 1;
    });
  });
  afterAll(async () => {
    await gateway.stop();
    await world.stop();
  });
  beforeEach(() => {
    requests = 0;
  });

  async function python(act: 'answers' | 'errors' | 'slow') {
    const script = join(__dirname, '..', 'support', 'openai_client.py');
    const env = { ...process.env, PYTHONPATH: packages };
    const { stdout } = await run('python3', [script, `${gateway.url}/v1`, act], { env });
    return JSON.parse(stdout);
  }

  test('create, parse by pydantic, streams, tools and responses: one call for each key', async () => {
    const told = await python('answers');
    expect(told).toMatchObject({
      same: true,
      replayed: 'true',
      text: expect.stringContaining('stand-in'),
      tool: 'weather',
      parsed: { title: '', year: 0 },
      response: told.text,
      film: { title: '', year: 0 },
      plain: told.text,
    });
    expect(told.chunks).toBe(told.text);
    expect([told.deltas, told.streamed]).toEqual([told.response, told.response]);
    for (const id of ['py-chat', 'py-tools', 'py-parsed', 'py-response', 'py-film']) {
      expect([id, world.model.billed(id)]).toEqual([id, 1]);
    }
    expect(world.model.billed()).toBe(6);
  });

  test("errors are the package's own, and those that only people can mend are not sent again", async () => {
    const error = {
      message: 'No such model.',
      type: 'invalid_request_error',
      param: 'model',
      code: 'no_model',
    };
    await world.model.rules(losingAnswers('py-doubt'), {
      match: { job_id: 'py-rejected' },
      do: { status: 404, body: { error } },
    });
    expect(await python('errors')).toEqual({
      rejected: ['NotFoundError', 404, 'no_model'],
      mismatch: ['UnprocessableEntityError', 422, 'input_mismatch'],
      doubt: ['ConflictError', 409, 'job_in_doubt'],
      id: ['BadRequestError', 400, 'invalid_job_id'],
    });
    expect(requests).toBe(5);
    expect(world.model.billed('py-doubt')).toBe(1);
  });

  test("a call that outlasts the package's own time-out is joined by its own retries: one call", async () => {
    await world.model.rules({ match: { job_id: 'py-slow' }, do: { hold: true } });
    const answer = python('slow');
    await world.model.waitForHeld('py-slow');
    await until('it has lost patience twice', () => requests >= 3);
    await world.model.release('py-slow');
    expect((await answer).text).toContain('stand-in');
    expect(world.model.billed('py-slow')).toBe(1);
  });
});
