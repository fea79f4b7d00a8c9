import { DefaultLogger, type LogLevel, NativeConnection, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { type TemporalOptions, temporalAway } from '../client/connect';
import type { Config } from '../config';
import { UserError } from '../errors';

const LEVELS: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'debug',
  WARN: 'warn',
  ERROR: 'error',
};

/**
 * Sends the SDK's own lines through our logger, one level down: a job's life is told by ours. Signals are
 * left to the program. Once a process, before any worker or native connection.
 *
 * @throws UserError where the port for the SDK's own metrics can't be listened on
 */
export function installRuntime(log: Logger, { host, sdkPort }: Config['metrics']): void {
  const logger = new DefaultLogger('INFO', ({ level, message, meta }) => {
    const { error, workflowId, activityType, attempt } = meta ?? {};
    // the type of a failure of ours; never its message, which may be a user's code's
    const reason = (error as { type?: string } | undefined)?.type ?? (error as Error | undefined)?.name;
    log[LEVELS[level]]({ sdk: true, job_id: workflowId, activityType, attempt, reason }, message);
  });
  // the native core's lines too: by default it writes them to stdout
  const logging = { forward: {} };
  const metrics = sdkPort === null ? undefined : sdkMetrics(host, sdkPort);
  try {
    Runtime.install({ logger, shutdownSignals: [], telemetryOptions: { logging, metrics } });
  } catch (cause) {
    if (sdkPort === null) throw cause;
    throw new UserError(
      `Port ${sdkPort} of ${host} for the Temporal SDK's metrics can't be listened on; stop what listens there or set INFER_ONCE_SDK_METRICS_PORT.`,
      { code: 'port_in_use', cause },
    );
  }
}

/** Names and units as Prometheus has them, which are not the SDK's own default. */
function sdkMetrics(host: string, port: number) {
  const address = host.includes(':') ? `[${host}]` : host;
  return {
    prometheus: {
      bindAddress: `${address}:${port}`,
      countersTotalSuffix: true,
      unitSuffix: true,
      useSecondsForDurations: true,
    },
  };
}

/** @throws UnreachableError that names the address */
export async function connectWorker(options: TemporalOptions): Promise<NativeConnection> {
  try {
    const { apiKey, ...connection } = options.connection;
    // the environment gives a key as text; a function is for programs
    return await NativeConnection.connect({
      ...connection,
      apiKey: typeof apiKey === 'function' ? apiKey() : apiKey,
    });
  } catch (error) {
    throw temporalAway(options.address, error);
  }
}
