import { join } from 'node:path';
import * as restateClients from '@restatedev/restate-sdk-clients';
import { findFreePort } from '../../src/dev/temporal';
import { UserError } from '../../src/errors';
import { startServer } from '../servers/child';
import { RESTATE_SERVER, restateBinary } from '../servers/restate-binary';
import { startBenchWorker } from '../support/bench-worker';
import { type CallService, RESTATE_SERVICE } from '../workers/restate-contract';
import type { Contestant } from './contestant';

/** A service with one durable step behind Restate's server; a job's id is the idempotency key of its call. */
export const restate: Contestant = {
  name: 'restate',
  title: 'Restate',
  packages: ['@restatedev/restate-sdk', '@restatedev/restate-sdk-clients'],
  async open(world) {
    world.versions["Restate's server"] = RESTATE_SERVER;
    const [node, ingress, admin, port] = [
      await findFreePort(),
      await findFreePort(),
      await findFreePort(),
      await findFreePort(),
    ];
    const env = {
      // it makes folders there that outlive it
      TMPDIR: world.folder,
      RESTATE_BASE_DIR: join(world.folder, 'restate'),
      RESTATE_BIND_IP: '127.0.0.1',
      RESTATE_BIND_PORT: String(node),
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_PORT: String(admin),
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_LOG_FILTER: 'error',
    };
    const pid = await startServer(
      {
        name: "Restate's server",
        command: await restateBinary(),
        args: ['--no-logo', '--node-name', 'bench'],
        env,
        port: admin,
        remedy: 'its package has to serve this machine',
      },
      world.atEnd,
    );
    const worker = await startBenchWorker(world, 'restate', { modelUrl: world.model.baseUrl, port });
    await register(`http://127.0.0.1:${admin}`, `http://127.0.0.1:${port}`);
    const service = restateClients
      .connect({ url: `http://127.0.0.1:${ingress}` })
      .serviceClient<CallService>({ name: RESTATE_SERVICE });
    return {
      run: async (job) => service.call(job, restateClients.rpc.opts({ idempotencyKey: job.id })),
      remembers: true,
      worker,
      servers: [pid],
      stop: () => worker.stop(),
    };
  },
};

/** Tells the server where the service is. */
async function register(admin: string, uri: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ uri });
  const response = await fetch(`${admin}/deployments`, { method: 'POST', headers, body });
  if (response.ok) return;
  throw new UserError(`Restate's server does not take the service: ${await response.text()}`, {
    code: 'bench_server',
  });
}
