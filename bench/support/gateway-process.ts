import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { usageOf } from './process-usage';

const COMMAND = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

/** A gateway as it runs in production, in a process of its own. */
export interface GatewayProcess {
  readonly url: string;
  /** Resident memory now, in MB. */
  memoryMb(): number;
  /** Processor time so far, in ms. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** @param env - names the store, Temporal and the provider */
export async function spawnGateway(env: NodeJS.ProcessEnv): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [COMMAND, 'gateway'], {
    env: { ...env, INFER_ONCE_GATEWAY_PORT: '0', INFER_ONCE_LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const url = await new Promise<string>((done, failed) => {
    createInterface(child.stdout).on('line', (line) => {
      const said = /http:\/\/[^\s]+/.exec(line)?.[0];
      if (line.startsWith('ready') && said) done(said);
    });
    void ended.then(() => failed(new Error('The gateway ended before it was ready; see above.')));
  });
  return {
    url,
    memoryMb: () => usageOf(child.pid!)!.rssMb,
    cpuMs: () => usageOf(child.pid!)!.cpuMs,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
