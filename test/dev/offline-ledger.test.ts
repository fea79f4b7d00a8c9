import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { readLedger, startOfflineModel } from '../../src/dev/offline';
import { openJsonLines } from '../../src/dev/offline/jsonl';
import { isListening } from '../../src/dev/temporal/ports';
import { useOfflineModel } from './offline-support';
import { until } from './until';

const DIST = resolve(__dirname, '../../dist/dev/offline');
const offline = useOfflineModel();

describe('the ledger', () => {
  test('has every call before its answer, with what names the job', async () => {
    const { id } = await offline.openai.chat.completions.create(
      { model: 'gpt-5-mini', messages: [{ role: 'user', content: 'abc' }] },
      { headers: { 'Idempotency-Key': 'store-1/tenant/job-9/2' } },
    );
    const billed = offline.model.ledger().find(({ call }) => call === id);
    expect(billed).toMatchObject({
      phase: 'billed',
      job_id: null,
      call_id: null,
      idempotency_key: 'store-1/tenant/job-9/2',
      model: 'gpt-5-mini',
      prompt_tokens: 1,
    });
    expect(offline.model.billed('tenant/job-9')).toBe(1);
  });

  test('and the stored completions survive SIGKILL, even with a call in mid-air', async () => {
    const { id } = await offline.ask('survivor');
    await offline.model.rules({ match: { job_id: 'cut off' }, do: { hold: true } });
    const lost = offline.ask('cut off');
    await offline.model.waitForHeld('cut off');
    await Promise.all([offline.model.kill(), expect(lost).rejects.toThrow()]);
    const before = readLedger(offline.model.ledgerFile);
    appendFileSync(offline.model.ledgerFile, '{"phase":"billed","at":"20');
    expect(readLedger(offline.model.ledgerFile)).toEqual(before);

    await offline.start();
    expect(await offline.listed('survivor')).toEqual([id]);
    expect(offline.model.billed('survivor')).toBe(1);
    expect(offline.model.billed('cut off')).toBe(0);
    await offline.ask('after the crash');
    expect(offline.model.ledger().slice(0, before.length)).toEqual(before);
    expect(offline.model.billed('after the crash')).toBe(1);
  });

  test('loses no line of many that are written at once', async () => {
    const file = join(offline.folder, 'many.jsonl');
    const lines = await openJsonLines(file);
    await Promise.all(Array.from({ length: 500 }, (_, n) => lines.append({ n })));
    await lines.close();
    const read = readFileSync(file, 'utf8').trim().split('\n');
    expect(read.map((line) => JSON.parse(line).n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });
});

describe('the process', () => {
  test('ends with the one that started it, also when that one is killed', async () => {
    const script = `require(process.argv[1]).startOfflineModel().then((model) => console.log(model.baseUrl)); setInterval(() => {}, 60000)`;
    const parent = spawn(process.execPath, ['-e', script, DIST], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(createInterface({ input: parent.stdout }), 'line');
    const { port } = new URL(line);
    expect(await isListening(Number(port))).toBe(true);
    parent.kill('SIGKILL');
    await until(async () => !(await isListening(Number(port))));
  });

  test('says in one sentence that its port is in use', async () => {
    const { port } = new URL(offline.model.baseUrl);
    await expect(startOfflineModel({ port: Number(port) })).rejects.toMatchObject({
      code: 'offline_model_failed',
      message: "The offline model can't start: its port is in use; give another with --port.",
    });
  });

  test('ends cleanly when told, with a call in mid-air', async () => {
    const other = await startOfflineModel();
    await other.rules({ do: { hold: true } });
    const call = request(`${other.baseUrl}/chat/completions`, { method: 'POST' });
    call.end(
      JSON.stringify({ model: 'm', messages: [{ role: 'user', content: '' }], metadata: { job_id: 'a' } }),
    );
    const cut = once(call, 'error');
    await other.waitForHeld('a');
    await other.stop();
    expect((await cut)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(other.billed()).toBe(0);
  });
});
