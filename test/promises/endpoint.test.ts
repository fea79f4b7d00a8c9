import { JobFailedError, JobInDoubtError } from '../../src';
import { startWorld, type World } from '../support/world';
import { addLane, errorOf, handleOf, type Lane, losingAnswers, rowOf, untilRun } from './support';

const CHAT = { model: 'gpt-of-the-caller', messages: [{ role: 'user', content: 'Say it.' }], own_field: [1] };
const ASK = { model: 'gpt-of-the-caller', input: 'Say it.' };
const chat = (job_id: string, more: object = {}) => ({
  job_id,
  task: 'chat.completions',
  input: { ...CHAT, ...more },
});
const ask = (job_id: string, more: object = {}) => ({
  job_id,
  task: 'responses',
  input: { ...ASK, ...more },
});

describe("a caller's own request to the provider is a job like any other", () => {
  let world: World;
  let background: Lane;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker({ model: 'model-of-the-environment' });
    background = await addLane(world, 'background', { recovery: 'background' });
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  test('its result is the whole answer, by the model that the caller named; once for all who ask', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => world.jobs.run(chat('whole', { n: 2 }))));
    expect(answers[0]!.result).toMatchObject({
      object: 'chat.completion',
      model: 'gpt-of-the-caller',
      choices: [{ index: 0, finish_reason: 'stop' }, { index: 1 }],
    });
    expect(answers[0]).toMatchObject({ model: 'gpt-of-the-caller', usage: { input_tokens: 2 } });
    for (const { result } of answers) expect(result).toEqual(answers[0]!.result);
    expect(world.model.billed('whole')).toBe(1);
  });

  test('an answer that was cut off or refused is an answer', async () => {
    await world.model.rules(
      { match: { job_id: 'cut' }, do: { finish_reason: 'length' } },
      { match: { job_id: 'refused' }, do: { refusal: 'I would rather not.' } },
    );
    expect(await world.jobs.run(chat('cut'))).toMatchObject({
      status: 'COMPLETED',
      result: { choices: [{ finish_reason: 'length' }] },
    });
    expect(await world.jobs.run(ask('refused'))).toMatchObject({
      status: 'COMPLETED',
      result: { output: [{ content: [{ type: 'refusal' }] }] },
    });
  });

  test('a completion that was paid for and lost is found again', async () => {
    await world.model.rules(losingAnswers('lost'));
    const answer = await world.jobs.run(chat('lost'));
    expect(answer).toMatchObject({ source: 'recovered', result: { object: 'chat.completion' } });
    expect(world.model.billed('lost')).toBe(1);
  });

  test('a response that was paid for and lost is in doubt; one that ran in the background is not', async () => {
    await world.model.rules(losingAnswers('lost-plain'));
    await errorOf(world.jobs.run(ask('lost-plain')), JobInDoubtError);
    await world.model.rules({ match: { route: 'retrieve' }, times: 1, do: { reset: 'before' } });
    const answer = await background.jobs.run(ask('lost-poll'));
    expect(answer).toMatchObject({ status: 'COMPLETED', result: { object: 'response', background: true } });
    expect(world.model.billed('lost-plain')).toBe(1);
    expect(world.model.billed('lost-poll')).toBe(1);
  });

  test("the provider's words in refusing are kept for the caller alone, until the job moves on", async () => {
    const SECRET = 'No such model, and your prompt was: Say it.';
    const body = { error: { message: SECRET, type: 'invalid_request_error', param: 'model', code: null } };
    await world.model.rules({ match: { job_id: 'no-model' }, times: 2, do: { status: 404, body } });
    const refused = () => errorOf(world.jobs.run(chat('no-model')), JobFailedError);
    const { record, message } = await refused();
    expect(record).toMatchObject({ error: { code: 'provider_rejected' }, billed: 'no' });
    expect(await world.jobs.providerError(record!)).toEqual({ status: 404, body });

    await untilRun(world, 'no-model', 'FAILED');
    const history = await handleOf(world, 'no-model').fetchHistory();
    expect(JSON.stringify({ record, message, history })).not.toContain(SECRET);

    // a submission runs it again, for nothing was paid; the words are those of the last refusal
    const again = await refused();
    expect(await world.jobs.providerError(record!)).toBeNull();
    expect(await world.jobs.providerError(again.record!)).toEqual({ status: 404, body });
    await untilRun(world, 'no-model', 'FAILED');
    expect(await world.jobs.run(chat('no-model'))).toMatchObject({ status: 'COMPLETED' });
    await untilRun(world, 'no-model', 'COMPLETED');
    expect(JSON.stringify(await rowOf(world, 'no-model'))).not.toContain(SECRET);
    expect(world.model.billed('no-model')).toBe(1);
  });
});
