import { temporal } from '@temporalio/proto';
import { TooLargeError } from '../../src';
import { startWorld, type World } from '../support/world';
import { errorOf, handleOf, rowOf, runStatus, untilRun } from './support';

const THREE_MB = 3 * 1024 * 1024;
const TWENTY_MB = 20 * 1024 * 1024;
const LARGE = 'ä fox 🦊 '.repeat(Math.ceil(THREE_MB / 8)).slice(0, THREE_MB);

describe('what is too large for Temporal goes through the store', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
  });
  afterAll(() => world.stop());
  afterEach(() => world.model.rules());

  const promptJob = (job_id: string, prompt = 'tell') => ({ job_id, task: 'prompt', input: { prompt } });

  const historyBytes = async (jobId: string) => {
    const { History } = temporal.api.history.v1;
    return History.encode(History.create(await handleOf(world, jobId).fetchHistory())).finish().length;
  };

  test('an answer of 3 MB completes: the history holds a reference, the store the whole', async () => {
    await world.model.rules({ match: { job_id: 'answer' }, do: { content: LARGE } });
    const record = await world.jobs.run(promptJob('answer'));
    expect(record).toMatchObject({ status: 'COMPLETED', result: { text: LARGE } });
    expect(record.result_ref).toBeUndefined();
    await untilRun(world, 'answer', 'COMPLETED');
    expect(await historyBytes('answer')).toBeLessThan(64 * 1024);

    const bare = await world.bare.run(promptJob('answer'));
    const { result } = await rowOf(world, 'answer');
    expect(bare).toMatchObject({ status: 'COMPLETED', result: null });
    expect(result).toMatchObject({ blob: bare.result_ref });

    expect((await world.jobs.run(promptJob('answer'))).result).toEqual({ text: LARGE });
    expect(world.model.billed('answer')).toBe(1);
  });

  test('an input of 3 MB reaches the model whole, and the history by reference', async () => {
    const record = await world.jobs.run(promptJob('input', LARGE));
    expect(record.status).toBe('COMPLETED');
    // the offline model counts a token for four characters
    expect(record.usage!.input_tokens).toBeGreaterThanOrEqual(LARGE.length / 4);
    await untilRun(world, 'input', 'COMPLETED');
    expect(await historyBytes('input')).toBeLessThan(64 * 1024);
    expect(await world.jobs.submit(promptJob('input', LARGE))).toMatchObject({ replayed: true });
    expect(world.model.billed('input')).toBe(1);
  });

  test('a prompt of 20 MB reaches the model whole, and its answer of 20 MB the caller', async () => {
    const most = 'x'.repeat(TWENTY_MB - JSON.stringify({ prompt: '' }).length);
    const answer = 'y'.repeat(TWENTY_MB - JSON.stringify({ text: '' }).length);
    await world.model.rules({ match: { job_id: 'most' }, do: { content: answer } });
    const record = await world.jobs.run(promptJob('most', most));
    expect(record.result).toEqual({ text: answer });
    expect(record.usage!.input_tokens).toBeGreaterThanOrEqual(Math.floor(most.length / 4));
    await untilRun(world, 'most', 'COMPLETED');
    expect(await historyBytes('most')).toBeLessThan(64 * 1024);
    expect(world.model.billed('most')).toBe(1);
  });

  test('an input over 20 MB is refused before anything is written, started or paid', async () => {
    const error = await errorOf(world.jobs.submit(promptJob('over', 'x'.repeat(TWENTY_MB))), TooLargeError);
    expect(error.message).toContain('of job over has 20971533 bytes, 20971520 are allowed');
    expect((await world.store.read('over')).job).toBeNull();
    expect(await runStatus(world, 'over')).toBeNull();
    expect(world.model.billed('over')).toBe(0);
  });

  test('an answer over 20 MB fails its job, is paid once, and kept as raw text', async () => {
    const answer = 'y'.repeat(TWENTY_MB);
    await world.model.rules({ match: { job_id: 'flood' }, do: { content: answer } });
    await expect(world.jobs.run(promptJob('flood'))).rejects.toThrow('over the limit of 20971520');
    const { error, calls } = await rowOf(world, 'flood');
    expect(error?.code).toBe('too_large');
    const raw = JSON.parse((await world.store.readBlob('flood', `raw/${calls[0]!.call_id}`))!);
    expect(JSON.parse(raw)).toEqual({ text: answer });
    await expect(world.jobs.run(promptJob('flood'))).rejects.toThrow('over the limit of 20971520');
    expect(world.model.billed('flood')).toBe(1);
  });

  test('a large input runs again by retry', async () => {
    await world.model.rules({ match: { job_id: 'retried' }, times: 1, do: { refusal: 'no' } });
    await expect(world.jobs.run(promptJob('retried', LARGE))).rejects.toThrow('refused');
    const { usage } = await world.jobs.retry('retried', {});
    expect(usage!.input_tokens).toBeGreaterThanOrEqual(LARGE.length / 4);
    expect(world.model.billed('retried')).toBe(2);
  });

  test('without a store an input of 3 MB is refused in a sentence, before anything is started', async () => {
    const error = await errorOf(world.bare.submit(promptJob('bare', LARGE)), TooLargeError);
    expect(error.message).toContain('give the client the store');
    expect(await runStatus(world, 'bare')).toBeNull();
    expect(world.model.billed('bare')).toBe(0);
  });

  test('a raw answer of 3 MB that can not be used is kept, and its failure is small', async () => {
    await world.model.rules({ match: { job_id: 'raw' }, do: { content: LARGE, finish_reason: 'length' } });
    await expect(world.jobs.run(promptJob('raw'))).rejects.toThrow('truncated');
    await untilRun(world, 'raw', 'FAILED');
    expect(await historyBytes('raw')).toBeLessThan(64 * 1024);
    const { raw, call_id } = (await rowOf(world, 'raw')).calls[0]!;
    expect(raw).toMatchObject({ blob: `raw/${call_id}` });
    expect(JSON.parse((await world.store.readBlob('raw', `raw/${call_id}`))!)).toBe(LARGE);
  });
});
