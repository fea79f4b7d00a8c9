/** Where a stack's parts are. */
export interface StackAddresses {
  temporalAddress: string;
  namespace: string;
  storeUrl: string;
  /** Of the offline model; null where the environment's own provider is used. */
  offlineBaseUrl: string | null;
  /** A path where no file is: no profile of the user's is to be used. */
  noConfigFile: string;
}

/**
 * The environment of a stack's workers and of commands beside it: this process's own, with the stack's
 * addresses. What it says of another Temporal (TLS, keys, profiles) is left out: it would be used
 * against the dev server.
 */
export function stackEnv(addresses: StackAddresses, own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(own).filter(([name]) => !name.startsWith('TEMPORAL_'));
  return {
    ...Object.fromEntries(kept),
    TEMPORAL_CONFIG_FILE: addresses.noConfigFile,
    TEMPORAL_ADDRESS: addresses.temporalAddress,
    TEMPORAL_NAMESPACE: addresses.namespace,
    INFER_ONCE_STORE_URL: addresses.storeUrl,
    // one port can't serve several processes
    INFER_ONCE_SDK_METRICS_PORT: '',
    ...(addresses.offlineBaseUrl && {
      OPENAI_BASE_URL: addresses.offlineBaseUrl,
      // the stand-in keeps what it is asked to store, as the OpenAI API does
      INFER_ONCE_RECOVERY: own.INFER_ONCE_RECOVERY || 'stored',
    }),
  };
}

/**
 * The environment of one process of a stack. Where `INFER_ONCE_METRICS_PORT` names a port, each has one of its
 * own, counted from there, so that who takes its place is scraped at the same address.
 *
 * @param place - 0 for the first worker, and so on; the gateway comes after the last
 */
export function placeEnv(env: NodeJS.ProcessEnv, place: number): NodeJS.ProcessEnv {
  const first = Number(env.INFER_ONCE_METRICS_PORT);
  return first > 0 ? { ...env, INFER_ONCE_METRICS_PORT: String(first + place) } : env;
}
