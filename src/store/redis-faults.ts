import { ConfigError, StoreCorruptError, UnreachableError } from '../errors';

const NO_CLUSTER = 'it is a cluster, which is not supported; name a server that has all keys';

/** First words of Redis's own errors (Redis documentation, "Protocol spec: Simple errors"; its source). */
const CONFIG_FAULTS: Record<string, string> = {
  WRONGPASS: 'the user or the password is wrong',
  NOAUTH: 'it wants a password; put it into the URL',
  NOPERM: 'this user may not use its keys or commands; allow EVAL, EVALSHA and the keys of its prefix',
  CROSSSLOT: NO_CLUSTER,
  MOVED: NO_CLUSTER,
  CLUSTERDOWN: NO_CLUSTER,
};

const AWAY: Record<string, string> = {
  WRONGSTORE:
    'has lost its data, or has those of another store; bring its data back, or start infer-once again on an empty one',
  OOM: "can't write because its memory is full (maxmemory); give it more",
  MISCONF: "can't write because it can't save to its disk; free some space",
  READONLY: 'takes no writes, as a replica does; connect to the primary',
  LOADING: 'is still loading its data; wait until it has',
  MASTERDOWN: 'is a replica that has lost its primary; connect to the primary',
  NOREPLICAS: 'takes no writes while too few replicas follow it (min-replicas-to-write); start them',
  BUSY: 'is held up by a script of somebody else; wait until that ends',
};

/** The driver's own words for it, which speak of its options. */
const NO_CONNECTION = /max retries per request|Connection is closed/;

/** Older servers wrap a script's error into one of their own, with the code behind a dash. */
function codeOf({ message }: Error): string {
  const codes = [...Object.keys(AWAY), ...Object.keys(CONFIG_FAULTS), 'WRONGTYPE'];
  return codes.find((code) => new RegExp(`(^|-)${code}\\b`).test(message)) ?? '';
}

/**
 * A fault of a store in use, in words for people; every other one is safe to try again later.
 *
 * @param name - of the server, without its password
 * @param key - the job that was asked about, where it was one
 */
export function toRedisFault(error: unknown, name: string, key?: string): Error {
  const { code: errno, name: kind, message } = error as Error & { code?: string };
  const code = codeOf(error as Error);
  if (code === 'WRONGTYPE' && key !== undefined) {
    return new StoreCorruptError(key, 'Redis has a value of another type there', error);
  }
  const said =
    kind === 'ReplyError'
      ? message.split(' ')[0]
      : NO_CONNECTION.test(message)
        ? 'the connection is gone'
        : (errno ?? message.replace(/\.$/, ''));
  const why =
    AWAY[code] ??
    (CONFIG_FAULTS[code]
      ? `does not serve: ${CONFIG_FAULTS[code]}`
      : `does not answer (${said}); see that it runs`);
  return new UnreachableError('store', `The store in ${name} ${why}.`, error);
}

/** A fault at opening: mostly something in the URL or in the user's rights. */
export function toRedisOpenFault(error: unknown, name: string): Error {
  if (error instanceof ConfigError) return error;
  const code = codeOf(error as Error);
  if (/DB index is out of range/.test((error as Error).message)) {
    return new ConfigError(
      `The store in ${name} can't be opened: there is no database of this number.`,
      error,
    );
  }
  if (code === 'WRONGTYPE') {
    return new ConfigError(
      `The store in ${name} can't be opened: its keys are another program's; choose another with ?prefix=NAME.`,
      error,
    );
  }
  const why = CONFIG_FAULTS[code];
  return why
    ? new ConfigError(`The store in ${name} can't be opened: ${why}.`, error)
    : toRedisFault(error, name);
}
