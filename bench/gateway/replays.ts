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

/** A request that is answered by a job that is settled. */
export interface Replay {
  route: string;
  method: 'GET' | 'PUT' | 'POST';
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/**
 * Sends one request again and again over keep-alive connections (autocannon).
 *
 * @param seconds - how long is measured; a fifth of it goes before, to warm up
 */
export async function loadReplay(
  { url, cpuMs }: Pick<GatewayProcess, 'url' | 'cpuMs'>,
  { route, method, path, headers, body }: Replay,
  { connections, seconds }: { connections: number; seconds: number },
): Promise<Load> {
  const options = {
    url: url + path,
    method,
    connections,
    headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
  await autocannon({ ...options, duration: Math.max(1, seconds / 5) });
  const before = cpuMs();
  const { requests, latency, errors, timeouts, non2xx } = await autocannon({ ...options, duration: seconds });
  return {
    route,
    perSecond: requests.average,
    p50Ms: latency.p50,
    p99Ms: latency.p99,
    cpuUs: Math.round(((cpuMs() - before) * 1000) / requests.total),
    faults: errors + timeouts + non2xx,
  };
}
