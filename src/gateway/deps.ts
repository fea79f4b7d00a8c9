import type { JobClient } from '../client';
import type { Config } from '../config';
import type { JobLog } from '../log';
import type { Metrics } from '../metrics';
import type { ResultStore } from '../store/store';
import type { TaskRegistry } from '../tasks/registry';
import type { Keys } from './auth';

/** Where the model is, for routes that pass a request through. Never taken from a request. */
export interface Upstream {
  /** Without a slash at its end, e.g. `https://api.openai.com/v1`. */
  baseUrl: string;
  /** Sent as the bearer in place of the caller's; undefined where the server wants none. */
  apiKey: string | undefined;
}

/** What the gateway works with; made by `openGateway`, and by tests. */
export interface GatewayDeps {
  /** The client for one tenant's jobs; null = jobs without a tenant. The same one each time. */
  jobs(tenant: string | null): JobClient;
  /** Who may ask; null = the gateway has no keys, and takes everybody as a caller without a tenant. */
  keys: Keys;
  tasks: TaskRegistry;
  /** The store that the workers use. */
  store: ResultStore;
  config: Config;
  /** Ids and numbers only: never a prompt, a result or a key. */
  log: JobLog;
  upstream: Upstream;
  /** Where Temporal's UI lists the runs of this gateway's namespace; null = it is not known. */
  runsUrl: string | null;
  /** What this gateway counts. */
  metrics: Metrics;
  /** Whether each request is a span; default false. */
  isTraced?: boolean;
  /** Resolves where Temporal answers now. @throws UnreachableError */
  reachTemporal(): Promise<void>;
}

/** Options of every route plugin. */
export interface GatewayOptions {
  deps: GatewayDeps;
}
