import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../../src/dev/temporal';
import { until } from './until';

/** A real Prometheus (Debian's `prometheus`) that scrapes each second. */
export interface PrometheusServer {
  /** Evaluates a query now. @throws where Prometheus refuses it */
  query(expr: string): Promise<{ metric: Record<string, string>; value: number }[]>;
  stop(): Promise<void>;
}

/** @param targets - what it scrapes, as `HOST:PORT` */
export async function startPrometheus(targets: string[]): Promise<PrometheusServer> {
  const folder = mkdtempSync(join(tmpdir(), 'infer-once-prometheus-'));
  const file = join(folder, 'prometheus.yml');
  writeFileSync(
    file,
    JSON.stringify({
      global: { scrape_interval: '1s' },
      scrape_configs: [{ job_name: 'infer-once', static_configs: [{ targets }] }],
    }),
  );
  const address = `127.0.0.1:${await findFreePort()}`;
  const server = spawn(
    'prometheus',
    [`--config.file=${file}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`],
    { stdio: 'ignore' },
  );
  const missing = once(server, 'error').then(([cause]) => {
    const how = 'apt-get install -y --no-install-recommends prometheus';
    throw new Error(`prometheus is missing: ${how}`, { cause });
  });
  const isReady = async () => (await fetch(`http://${address}/-/ready`).catch(() => null))?.ok;
  await Promise.race([missing, until('Prometheus is ready', isReady)]);
  return {
    async query(expr) {
      const answer = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expr)}`);
      const { data, error } = (await answer.json()) as Answer;
      if (!data) throw new Error(`${expr}: ${error}`);
      return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async stop() {
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Answer {
  data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
  error?: string;
}
