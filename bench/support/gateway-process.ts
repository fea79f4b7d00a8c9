import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { UserError } from '../../src/errors';
import { usageOf } from './process-usage';
import type { Scope } from './scope';

const COMMAND = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');

/** A gateway as it runs in production, in a process of its own. */
export interface GatewayProcess {
  readonly url: string;
  /** Resident memory now, in MB. */
  memoryMb(): number;
  /** Processor time so far, in ms. */
  cpuMs(): number;
}

/**
 * Starts one that ends with the scope.
 *
 * @param env - names the store, Temporal and the provider
 * @throws UserError where it ends before it is ready
 */
export async function spawnGateway(env: NodeJS.ProcessEnv, scope: Scope): Promise<GatewayProcess> {
  const child = spawn(process.execPath, [COMMAND, 'gateway'], {
    env: { ...env, INFER_ONCE_GATEWAY_PORT: '0', INFER_ONCE_LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  void ended.then(() => process.off('exit', killAtExit));
  scope.atEnd(async () => {
    // nothing of it is kept, and requests that wait would hold it up
    child.kill('SIGKILL');
    await ended;
  });
  const url = await new Promise<string>((done, failed) => {
    createInterface(child.stdout).on('line', (line) => {
      const said = /http:\/\/[^\s]+/.exec(line)?.[0];
      if (line.startsWith('ready') && said) done(said);
    });
    void ended.then(() => {
      const sentence = 'The gateway ended before it was ready; see above.';
      failed(new UserError(sentence, { code: 'bench_gateway' }));
    });
  });
  return {
    url,
    memoryMb: () => usageOf(child.pid!)!.rssMb,
    cpuMs: () => usageOf(child.pid!)!.cpuMs,
  };
}
