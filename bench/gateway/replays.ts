import autocannon from 'autocannon';
import type { GatewayProcess } from '../support/gateway-process';

/** What one route did under load. */
export interface Load {
  route: string;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Processor time of the gateway for one request, in µs: a busy machine changes it less than the others. */
  cpuUs: number;
  /** Answers that were not 200, and broken connections: a figure counts only where it is 0. */
  faults: number;
}

/** Requests of one kind, each answered by a settled job of its own. */
export interface Replay {
  route: string;
  method: 'GET' | 'PUT' | 'POST';
  /** Where the job of this number is asked for. */
  of(job: number): { path: string; headers?: Record<string, string> };
  body?: unknown;
}

/** How many jobs the load is spread over: those who ask for one at once would share its look-up. */
export const JOBS = 500;

/**
 * Sends the requests in turn over keep-alive connections (autocannon).
 *
 * @param seconds - how long is measured; a fifth of it goes before, to warm up
 */
export async function loadReplay(
  { url, cpuMs }: Pick<GatewayProcess, 'url' | 'cpuMs'>,
  { route, method, of, body }: Replay,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Load> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body !== undefined && { 'content-type': 'application/json' };
  const requests = Array.from({ length: JOBS }, (_, job) => {
    const { path, headers } = of(job);
    return { method, path, headers: { ...headers, ...type }, ...sent };
  });
  let clients = 0;
  const setupClient = (client: autocannon.Client) => {
    // each from another job on: else all would ask for the same one at the same time
    const from = Math.floor((clients++ * JOBS) / connections) % JOBS;
    client.setRequests([...requests.slice(from), ...requests.slice(0, from)]);
  };
  const options = { url, connections, requests, setupClient };
  await autocannon({ ...options, duration: Math.max(1, seconds / 5) });
  const before = cpuMs();
  const found = await autocannon({ ...options, duration: seconds });
  return {
    route,
    perSecond: found.requests.average,
    p50Ms: found.latency.p50,
    p99Ms: found.latency.p99,
    cpuUs: Math.round(((cpuMs() - before) * 1000) / found.requests.total),
    faults: found.errors + found.timeouts + found.non2xx,
  };
}
