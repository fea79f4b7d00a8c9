import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { type OfflineModel, startOfflineModel } from '../src/dev/offline';
import { stackEnv } from '../src/dev/stack/worker-env';
import { type BenchPostgres, startBenchPostgres } from './servers/postgres';
import { startTemporal } from './servers/temporal';
import { compileWorkers } from './support/compiled-workers';
import type { Scope } from './support/scope';

/** Temporal's dev server, with a client of this process. */
export interface TemporalServer {
  client: Client;
  address: string;
  pid: number;
}

/** What the contestants share: the provider, and the servers that more than one of them needs. */
export interface World {
  /** Everything that is written lies there; gone at the end. */
  folder: string;
  model: OfflineModel;
  /** The server is started by the first who asks. */
  temporal(): Promise<TemporalServer>;
  /** So is this one. */
  postgres(): Promise<BenchPostgres>;
  /** The program that runs a worker of `bench/workers`; compiled for the first who asks. */
  workers(): Promise<string>;
  /** Of the servers that were started, by their names. */
  versions: Record<string, string>;
  /** For a server of one contestant alone. */
  atEnd: AtEnd;
  /** The environment of infer-once's parts, with a store and a task queue of this name. */
  ownEnv(name: string, address: string): NodeJS.ProcessEnv;
}

/** Has something ended when the world is. */
export type AtEnd = (end: () => Promise<unknown>) => void;

/** The provider keeps completions, as the OpenAI API does; what a kill costs infer-once rests on it. */
export const RECOVERY = 'stored';

/**
 * @param scope - what it is made of ends with it
 * @param delayMs - how long each call takes at the provider
 */
export async function openWorld(scope: Scope, delayMs: number): Promise<World> {
  const folder = scope.folder('infer-once-bench-');
  const versions: Record<string, string> = {};
  const { atEnd } = scope;
  const starting = startOfflineModel({ ledger: join(folder, 'ledger.jsonl'), delayMs });
  const model = await scope.open(starting, (opened) => opened.stop());
  return {
    folder,
    model,
    versions,
    atEnd,
    temporal: onDemand(() => startTemporal(folder, versions, atEnd)),
    workers: onDemand(() => compileWorkers(folder, atEnd)),
    postgres: onDemand(() => startBenchPostgres(versions, atEnd)),
    ownEnv: (name, temporalAddress) => ({
      ...stackEnv(
        {
          temporalAddress,
          namespace: 'default',
          storeUrl: `sqlite:${join(folder, `${name}.db`)}`,
          offlineBaseUrl: model.baseUrl,
          noConfigFile: join(folder, 'no-temporal-profile.toml'),
        },
        withoutOurs(process.env),
      ),
      OPENAI_API_KEY: 'none',
      INFER_ONCE_RECOVERY: RECOVERY,
      INFER_ONCE_TASK_QUEUE: name,
      INFER_ONCE_LOG_LEVEL: 'error',
      INFER_ONCE_GATEWAY_PORT: '0',
    }),
  };
}

/** What is measured are the defaults. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(INFER_ONCE|OTEL)_/.test(name)));
}

function onDemand<T>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  return () => {
    started ??= start();
    return started;
  };
}
