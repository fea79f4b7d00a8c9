import { createMetrics, type Metrics, type MetricsServer, serveMetrics } from '../../src/metrics';
import { parseScrape, type Scrape } from '../support/prometheus';

/** Metrics behind a port of their own, as a worker's are. */
export interface ServedMetrics {
  metrics: Metrics;
  server: MetricsServer;
  scrape(): Promise<Scrape>;
}

export async function startServedMetrics(): Promise<ServedMetrics> {
  const metrics = createMetrics();
  const server = await serveMetrics(metrics.registry, { host: '127.0.0.1', port: 0 });
  return { metrics, server, scrape: () => scrapeUrl(`${server.url}/metrics`) };
}

export async function scrapeUrl(url: string): Promise<Scrape> {
  const response = await fetch(url, { headers: { connection: 'close' } });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  return parseScrape(await response.text());
}
