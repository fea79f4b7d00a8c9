import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { findFreePort, startDevServer } from '../../src/dev/temporal';
import { assertPortFree, isListening } from '../../src/dev/temporal/ports';
import { until } from './until';

const CLOSE_EVENT = temporal.api.enums.v1.HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT;
const DIST = resolve(__dirname, '../../dist/dev/temporal');
const folder = mkdtempSync(join(tmpdir(), 'infer-once-dev-server-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('it answers as soon as it is said to be there, UI too, and keeps its workflows over a restart', async () => {
  const options = {
    port: await findFreePort(),
    uiPort: await findFreePort(),
    dbFilename: join(folder, 'new', 'temporal.db'),
    searchAttributes: { JobTask: 'Keyword', JobTokens: 'Int' },
  };
  const first = await startDevServer(options);
  expect((await fetch(first.uiUrl)).status).toBe(200);
  await withClient(first.address, (client) =>
    client.workflow.start('anything', {
      taskQueue: 'none',
      workflowId: 'kept',
      searchAttributes: { JobTask: ['enrich'] },
    }),
  );
  await first.stop();
  expect(await first.exited).toBe(0);
  expect(await isListening(options.port)).toBe(false);

  const second = await startDevServer(options);
  const kept = await withClient(second.address, (client) => client.workflow.getHandle('kept').describe());
  expect(kept.status.name).toBe('RUNNING');
  expect(kept.searchAttributes.JobTask).toEqual(['enrich']);
  await Promise.all([second.stop(), second.stop()]);
});

test('2,000 may wait at once: none is refused', async () => {
  const server = await startDevServer({ port: await findFreePort(), uiPort: 0, headless: true });
  // a refusal is seen as it is, not asked again
  const connection = await Connection.connect({ address: server.address, interceptors: [] });
  const { workflow } = new Client({ connection });
  await workflow.start('anything', { taskQueue: 'none', workflowId: 'awaited' });
  const polls = Array.from({ length: 2_000 }, () =>
    connection.workflowService.getWorkflowExecutionHistory({
      ...{ namespace: 'default', execution: { workflowId: 'awaited' } },
      ...{ waitNewEvent: true, historyEventFilterType: CLOSE_EVENT },
    }),
  );
  const told = Promise.allSettled(polls);
  await workflow.getHandle('awaited').terminate();
  const refused = (await told).filter(({ status }) => status === 'rejected');
  await connection.close();
  await server.stop();
  expect(refused).toEqual([]);
});

test('a port in use is named, with the remedy, before anything is started', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  const free = await findFreePort();
  const message = (use: string) =>
    `Port ${port} for ${use} is in use; stop what listens there or choose another port.`;
  await expect(startDevServer({ port, uiPort: free })).rejects.toMatchObject({
    code: 'port_in_use',
    message: message('the Temporal server'),
  });
  await expect(startDevServer({ port: free, uiPort: port })).rejects.toMatchObject({
    message: message('the Temporal UI'),
  });
  taken.close();
  await expect(assertPortFree(70_000, 'the test', 'choose another')).rejects.toMatchObject({
    code: 'port_unusable',
  });
});

test('what keeps it from starting is said in one sentence', async () => {
  const ports = { port: await findFreePort(), uiPort: await findFreePort() };
  await expect(startDevServer({ ...ports, searchAttributes: { JobTask: 'Nonsense' } })).rejects.toMatchObject(
    {
      code: 'temporal_start_failed',
      message: expect.stringMatching(/^Temporal's dev server did not start: [^\n]*Nonsense[^\n]*\.$/),
    },
  );
  expect(await isListening(ports.port)).toBe(false);
});

// Elsewhere nothing ends a child whose parent was killed.
if (process.platform === 'linux') {
  test('it ends with the process that started it, also when that one is killed', async () => {
    const port = await findFreePort();
    const script = `require(process.argv[1]).startDevServer({ port: ${port}, uiPort: 0, headless: true })
      .then((server) => console.log(server.address))`;
    const parent = spawn(process.execPath, ['-e', script, DIST], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(createInterface({ input: parent.stdout }), 'line');
    expect(await isListening(port)).toBe(true);
    parent.kill('SIGKILL');
    await until(async () => !(await isListening(port)));
  });
}

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}
