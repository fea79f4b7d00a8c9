import type { Command } from 'commander';
import { type Config, loadConfig } from '../../config';
import type { Stack } from '../../dev/stack';
import { ConfigError } from '../../errors';
import { say } from '../fail';
import { addEpilogue, wholeNumberOption } from '../help';
import { takeInterrupts } from '../interrupt';
import { printText } from '../output';
import { DATA_DIR } from '../places';
import { countOf } from '../record-text';

interface DevOptions {
  temporalPort: number;
  uiPort: number;
  gatewayPort?: number;
  dataDir: string;
  workers: number;
  headless: boolean;
}

const port = wholeNumberOption(1, 65_535);

/** `dev`: everything on this machine. */
export function addDev(program: Command): void {
  const command = program
    .command('dev')
    .summary('everything on this machine, for development')
    .description(
      "Starts Temporal's dev server with its UI, workers and the HTTP gateway, and the offline model, a stand-in that costs nothing, where neither OPENAI_API_KEY nor OPENAI_BASE_URL is set. A worker or gateway that dies is replaced. One Ctrl-C ends all; a second one does not wait for calls in flight.",
    )
    .option('--temporal-port <port>', "Temporal's port", port, 7233)
    .option('--ui-port <port>', "the port of Temporal's UI", port, 8233)
    .option('--gateway-port <port>', "the gateway's port (default: INFER_ONCE_GATEWAY_PORT, or 8080)", port)
    .option('--data-dir <folder>', 'where workflows, records and the ledger are kept', DATA_DIR)
    .option('--workers <n>', 'how many worker processes', wholeNumberOption(1, 64), 1)
    .option('--headless', "without Temporal's UI", false)
    .action(dev);
  addEpilogue(
    command,
    ['infer-once dev', 'infer-once dev --workers 2 --headless --temporal-port 7333'],
    [0, 2, 6],
    [
      'A line that begins with "ready" comes on stdout when every part answers. Other commands find a running dev by its data directory.',
    ],
  );
}

async function dev(given: DevOptions): Promise<void> {
  const config = loadConfig(process.env);
  const options = { ...given, gatewayPort: given.gatewayPort ?? config.gateway.port };
  await checkStart(config, options);
  let stack: Stack | undefined;
  // before it is ready there is nothing to lose; what was started ends with this process
  const interrupt = takeInterrupts(() => void stack?.stop());
  const leave = () => process.exit(interrupt.by === 'SIGINT' ? 130 : 143);
  interrupt.signal.addEventListener('abort', leave);
  const { startStack } = await import('../../dev/stack/index.js');
  stack = await startStack({
    ...options,
    storeUrl: config.storeUrl ?? undefined,
    onWorkerDeath: (pid, { code, signal }, part) =>
      say(
        `${part === 'worker' ? 'Worker' : 'Gateway'} ${pid} ended (${signal ?? `code ${code}`}); another takes its place.`,
      ),
  });
  interrupt.signal.removeEventListener('abort', leave);
  announce(stack, options);
  const stopped = new Promise<null>((done) => {
    interrupt.signal.addEventListener('abort', () => done(null));
    if (interrupt.signal.aborted) done(null);
  });
  const fault = await Promise.race([stopped, stack.failed]);
  say(
    fault
      ? 'A part has ended; stopping the others.'
      : 'Stopping; calls in flight may end first. Ctrl-C again ends at once.',
  );
  await stack.stop();
  if (fault) throw fault;
}

/** What would only come to light after the first parts have started. */
async function checkStart(config: Config, options: Required<DevOptions>): Promise<void> {
  if (config.storeUrl === 'memory:') {
    throw new ConfigError(
      'memory: is a store of one process, and dev runs several; unset INFER_ONCE_STORE_URL, or name a file as sqlite:PATH.',
    );
  }
  const { temporalPort, uiPort, gatewayPort, headless } = options;
  if (!headless && temporalPort === uiPort) {
    throw new ConfigError(`--temporal-port and --ui-port are both ${uiPort}; choose two.`);
  }
  if (gatewayPort === temporalPort || (!headless && gatewayPort === uiPort)) {
    throw new ConfigError(`--gateway-port is ${gatewayPort}, which another part has; choose another.`);
  }
  const [{ claimDataDir }, { assertPortFree }, { loadTasks }] = await Promise.all([
    import('../../dev/stack/dir-lock.js'),
    import('../../dev/temporal/ports.js'),
    import('../../tasks/registry.js'),
  ]);
  await loadTasks(config.tasksModule);
  claimDataDir(options.dataDir);
  const remedy = 'stop what listens there or choose another with';
  await assertPortFree(temporalPort, 'the Temporal server', `${remedy} --temporal-port`);
  if (!headless) await assertPortFree(uiPort, 'the Temporal UI', `${remedy} --ui-port`);
  await assertPortFree(gatewayPort, 'the gateway', `${remedy} --gateway-port`);
}

function announce(stack: Stack, { dataDir, workers }: DevOptions): void {
  const { temporalAddress, uiUrl, gatewayUrl, provider } = stack;
  const model = provider.isStandIn
    ? 'the offline stand-in (no model; set OPENAI_API_KEY or OPENAI_BASE_URL for one)'
    : provider.host;
  const ui = uiUrl ? `, UI ${uiUrl}` : '';
  printText(
    `ready: Temporal ${temporalAddress}${ui}; gateway ${gatewayUrl}; ${countOf(workers, 'worker')}; provider ${model}; data in ${dataDir}`,
  );
  if (process.env.INFER_ONCE_GATEWAY_URL?.trim()) {
    say(
      'INFER_ONCE_GATEWAY_URL is set: client commands in this shell talk to that gateway, not to this server.',
    );
  }
  const named = process.env.TEMPORAL_ADDRESS?.trim();
  if (named && named !== temporalAddress) {
    say(`TEMPORAL_ADDRESS is set: other commands in this shell talk to ${named}, not to this server.`);
  }
}
