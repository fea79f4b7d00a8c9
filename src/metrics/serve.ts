import { createServer, type Server } from 'node:http';
import type { Registry } from 'prom-client';
import { UserError } from '../errors';

/** A listening metrics server. */
export interface MetricsServer {
  /** E.g. `http://127.0.0.1:9464`. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves `/metrics` in Prometheus's text format, and `/healthz`: the process is alive.
 *
 * @param port - 0 = any that is free
 * @throws UserError `port_in_use`, `port_unusable`
 *
 * @example
 * const server = await serveMetrics(metrics.registry, { host: '127.0.0.1', port: 9464 });
 */
export async function serveMetrics(
  registry: Registry,
  { host, port }: { host: string; port: number },
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    const say = (status: number, type: string, text: string) =>
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
    if (request.method !== 'GET' && request.method !== 'HEAD') return say(405, 'text/plain', 'Only GET.\n');
    if (path === '/healthz') return say(200, 'application/json', '{"status":"ok"}');
    if (path !== '/metrics') return say(404, 'text/plain', 'There is /metrics and /healthz.\n');
    registry.metrics().then(
      (text) => say(200, registry.contentType, text),
      () => say(500, 'text/plain', 'The metrics can not be read.\n'),
    );
  });
  await listen(server, host, port);
  const {
    address,
    port: bound,
    family,
  } = server.address() as { address: string; port: number; family: string };
  const name = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `http://${name}:${bound}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((done, failed) => {
      server.once('error', failed).listen(port, host, done);
    });
  } catch (cause) {
    const isInUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const fault = isInUse ? 'is in use' : `can't be listened on (${(cause as Error).message})`;
    throw new UserError(
      `Port ${port} of ${host} for metrics ${fault}; stop what listens there or set INFER_ONCE_METRICS_PORT.`,
      { code: isInUse ? 'port_in_use' : 'port_unusable', cause },
    );
  }
}
