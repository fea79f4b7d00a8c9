import { parseDuration } from './duration';
import { ConfigError } from './errors';
import { TASK_QUEUE } from './job';
import type { Policy } from './once/policy';

/** Everything that the environment says, checked. Times in ms. */
export interface Config {
  /** Null where it was not said. */
  storeUrl: string | null;
  taskQueue: string;
  /** A module with the user's tasks. */
  tasksModule: string | undefined;
  /** Replaces the model of every task. */
  model: string | undefined;
  apiKey: string | undefined;
  baseUrl: string | undefined;
  recovery: 'auto' | 'stored' | 'background' | 'none';
  policy: Policy;
  heartbeatTimeoutMs: number;
  /** Calls at once in one worker. */
  concurrency: number;
  /** Calls a second over the whole task queue; null = no limit. */
  maxRps: number | null;
  shutdownGraceMs: number;
  gateway: {
    host: string;
    /** 0 = any that is free. */
    port: number;
    /** The API keys and their tenants; undefined = none, and every caller is taken. */
    keysFile: string | undefined;
    /** Requests that wait for a job at once in one gateway. */
    maxWaiting: number;
    /** Where Temporal's UI is, for links from the built-in page; undefined = no link. */
    temporalUiUrl: string | undefined;
    /** Who shows it may have payloads decoded; undefined = nobody. */
    codecToken: string | undefined;
    /** The origins of Temporal UI whose pages may do so; none = no page may. */
    codecOrigins: string[];
  };
  /** The gateway that client commands talk to; undefined = they talk to Temporal and the store. */
  gatewayUrl: string | undefined;
  /** A key of that gateway. */
  gatewayKey: string | undefined;
  metrics: {
    host: string;
    /** 0 = any that is free; null = no port of its own. */
    port: number | null;
    /** Where Temporal's SDK serves its own metrics; null = nowhere. */
    sdkPort: number | null;
  };
  /** OpenTelemetry traces, by its own environment (`OTEL_*`). */
  tracing: boolean;
  /** The keys by which records and histories are sealed; undefined = they are not. */
  encryptionKeysFile: string | undefined;
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

type Env = Record<string, string | undefined>;

const STORE_SCHEMES = ['sqlite:', 'postgres:', 'postgresql:', 'dynamodb:', 'redis:', 'rediss:', 'memory:'];
const RECOVERIES = ['auto', 'stored', 'background', 'none'] as const;
const ON_UNKNOWN = ['hold', 'rerun', 'fail'] as const;
const HOLD_THEN = ['fail', 'rerun'] as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;

/**
 * Reads and checks the environment (DESIGN 7). An empty variable counts as unset.
 *
 * @throws ConfigError that names every fault at once
 *
 * @example
 * const config = loadConfig(process.env);
 */
export function loadConfig(env: Env): Config {
  const read = new EnvReader(env);
  const holdFor = read.text('INFER_ONCE_HOLD_FOR') ? read.duration('INFER_ONCE_HOLD_FOR', '0ms') : null;
  const config: Config = {
    storeUrl: read.storeUrl('INFER_ONCE_STORE_URL'),
    taskQueue: read.text('INFER_ONCE_TASK_QUEUE') ?? TASK_QUEUE,
    tasksModule: read.text('INFER_ONCE_TASKS'),
    model: read.text('INFER_ONCE_MODEL'),
    apiKey: read.text('OPENAI_API_KEY'),
    baseUrl: read.url('OPENAI_BASE_URL'),
    recovery: read.choice('INFER_ONCE_RECOVERY', RECOVERIES, 'auto'),
    policy: {
      onUnknown: read.choice('INFER_ONCE_ON_UNKNOWN', ON_UNKNOWN, 'hold'),
      holdForMs: holdFor,
      holdThen: read.choice('INFER_ONCE_HOLD_THEN', HOLD_THEN, 'fail'),
      callTimeoutMs: read.duration('INFER_ONCE_CALL_TIMEOUT', '10m', '1d'),
      leaseMs: read.duration('INFER_ONCE_LEASE', '15s', '1d'),
      settleMs: read.duration('INFER_ONCE_SETTLE', '2m'),
      deadlineMs: read.duration('INFER_ONCE_JOB_DEADLINE', '24h'),
      retryAfterCapMs: read.duration('INFER_ONCE_RETRY_AFTER_CAP', '1h'),
    },
    heartbeatTimeoutMs: read.duration('INFER_ONCE_HEARTBEAT_TIMEOUT', '10s'),
    concurrency: read.count('INFER_ONCE_CONCURRENCY') ?? 100,
    maxRps: read.count('INFER_ONCE_MAX_RPS') ?? null,
    shutdownGraceMs: read.duration('INFER_ONCE_SHUTDOWN_GRACE', '25s', '1d'),
    gateway: {
      host: read.text('INFER_ONCE_GATEWAY_HOST') ?? '127.0.0.1',
      port: read.port('INFER_ONCE_GATEWAY_PORT', 8080),
      keysFile: read.text('INFER_ONCE_GATEWAY_KEYS_FILE'),
      maxWaiting: read.count('INFER_ONCE_GATEWAY_MAX_WAITING') ?? 10_000,
      temporalUiUrl: read.url('INFER_ONCE_TEMPORAL_UI_URL'),
      codecToken: read.secret('INFER_ONCE_CODEC_TOKEN', 32),
      codecOrigins: read.origins('INFER_ONCE_CODEC_ORIGINS'),
    },
    gatewayUrl: read.url('INFER_ONCE_GATEWAY_URL'),
    gatewayKey: read.text('INFER_ONCE_GATEWAY_KEY'),
    metrics: {
      host: read.text('INFER_ONCE_METRICS_HOST') ?? '127.0.0.1',
      port: read.port('INFER_ONCE_METRICS_PORT', null),
      sdkPort: read.port('INFER_ONCE_SDK_METRICS_PORT', null),
    },
    tracing: read.tracing(),
    encryptionKeysFile: read.text('INFER_ONCE_ENCRYPTION_KEYS_FILE'),
    logLevel: read.choice('INFER_ONCE_LOG_LEVEL', LOG_LEVELS, 'info'),
  };
  checkOrder(config, read);
  if (config.gateway.codecToken !== undefined && config.encryptionKeysFile === undefined) {
    read.fault(
      'INFER_ONCE_CODEC_TOKEN needs INFER_ONCE_ENCRYPTION_KEYS_FILE, for there is nothing to decode',
    );
  }
  read.throwFaults();
  return config;
}

/**
 * The orders that keep a healthy job out of doubt (PROTOCOL 8): a heartbeat that is late must find the
 * lease still alive or just over, and a call must have time to be saved.
 */
function checkOrder({ policy, heartbeatTimeoutMs }: Config, read: EnvReader): void {
  const { leaseMs } = policy;
  if (!(leaseMs / 3 < heartbeatTimeoutMs && heartbeatTimeoutMs < leaseMs)) {
    read.fault(
      `INFER_ONCE_HEARTBEAT_TIMEOUT (${heartbeatTimeoutMs} ms) must lie between a third of INFER_ONCE_LEASE and all of it (${leaseMs} ms)`,
    );
  }
  if (policy.callTimeoutMs < 1) read.fault('INFER_ONCE_CALL_TIMEOUT must be over 0');
}

class EnvReader {
  private readonly faults: string[] = [];

  constructor(private readonly env: Env) {}

  fault(sentence: string): void {
    this.faults.push(sentence);
  }

  throwFaults(): void {
    if (this.faults.length > 0)
      throw new ConfigError(`The configuration can't be used: ${this.faults.join('; ')}.`);
  }

  text(name: string): string | undefined {
    return this.env[name]?.trim() || undefined;
  }

  duration(name: string, standard: string, longest = '365d'): number {
    try {
      const ms = parseDuration(this.text(name) ?? standard, name);
      // longer ones overflow the runtime's timers, which then end at once
      if (ms > parseDuration(longest)) this.fault(`${name} may be ${longest} at the longest`);
      return ms;
    } catch (error) {
      this.fault((error as Error).message.replace(/\.$/, ''));
      return parseDuration(standard);
    }
  }

  choice<T extends string>(name: string, allowed: readonly T[], standard: T): T {
    const value = this.text(name) ?? standard;
    if ((allowed as readonly string[]).includes(value)) return value as T;
    this.fault(`${name} is ${JSON.stringify(value)}; it may be ${allowed.join(', ')}`);
    return standard;
  }

  count(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (Number.isSafeInteger(value) && value > 0) return value;
    this.fault(`${name} is ${JSON.stringify(text)}; it must be a whole number over 0`);
    return undefined;
  }

  port<T extends number | null>(name: string, standard: T): number | T {
    const text = this.text(name);
    if (text === undefined) return standard;
    const value = Number(text);
    if (/^\d+$/.test(text) && value <= 65_535) return value;
    this.fault(`${name} is ${JSON.stringify(text)}; it must be a port, 0 to 65535`);
    return standard;
  }

  storeUrl(name: string): string | null {
    const text = this.text(name) ?? null;
    // its scheme alone: the rest of another store's URL may hold a password
    const scheme = text?.match(/^[a-z]*:?/i)?.[0];
    if (text !== null && !STORE_SCHEMES.includes(scheme ?? '')) {
      this.fault(
        `${name} (${scheme || 'without a scheme'}) names no known store; use sqlite:PATH, postgres://HOST/DATABASE, dynamodb:TABLE, redis://HOST or memory:`,
      );
    }
    return text;
  }

  /** On where an endpoint or the exporter `otlp` is named; `OTEL_SDK_DISABLED` and the exporter `none` are off. */
  tracing(): boolean {
    const exporter = this.text('OTEL_TRACES_EXPORTER');
    const protocol =
      this.text('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ?? this.text('OTEL_EXPORTER_OTLP_PROTOCOL');
    const endpoint =
      this.text('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? this.text('OTEL_EXPORTER_OTLP_ENDPOINT');
    const isDisabled = this.text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || exporter === 'none';
    if (isDisabled || (!exporter && !endpoint)) return false;
    if (exporter && exporter !== 'otlp') {
      this.fault(`OTEL_TRACES_EXPORTER is ${JSON.stringify(exporter)}; it may be otlp, none`);
    }
    if (protocol && !protocol.startsWith('http/')) {
      this.fault(
        `the OTLP protocol is ${JSON.stringify(protocol)}; traces are sent by http/json (port 4318 of a collector)`,
      );
    }
    return true;
  }

  /** A text that can't be guessed; never shown. */
  secret(name: string, least: number): string | undefined {
    const text = this.text(name);
    if (text !== undefined && (text.length < least || !/^[\x21-\x7e]+$/.test(text))) {
      this.fault(
        `${name} must have ${least} characters or more, without spaces (openssl rand -hex 32 makes one)`,
      );
    }
    return text;
  }

  /** `https://temporal.example.com`, one or more, by commas. */
  origins(name: string): string[] {
    const texts = (this.text(name) ?? '').split(',').flatMap((text) => text.trim() || []);
    for (const text of texts) {
      if (URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text)) continue;
      this.fault(
        `${name} has ${JSON.stringify(text)}; an origin is like https://temporal.example.com, without a path`,
      );
    }
    return texts;
  }

  url(name: string): string | undefined {
    const text = this.text(name);
    if (text !== undefined && !(URL.canParse(text) && /^https?:/.test(text))) {
      // the value is not shown: a base URL may hold a key
      this.fault(`${name} is no http or https URL`);
    }
    return text;
  }
}
