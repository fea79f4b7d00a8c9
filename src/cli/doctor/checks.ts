import { existsSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import type { Config } from '../../config';
import { ConfigError, UserError } from '../../errors';
import { formatAge } from '../output';
import type { Places } from '../places';

/** The store opens, and which one it is. A file is not made by looking at it. */
export async function checkStore({ storeUrl }: Places, { encryptionKeysFile }: Config): Promise<string> {
  if (storeUrl === null) return 'none is named here; commands ask Temporal alone';
  const file = storeUrl.startsWith('sqlite:') ? storeUrl.slice('sqlite:'.length) : null;
  if (file !== null && !existsSync(file)) {
    throw new ConfigError(
      `${file} is not there; infer-once setup makes it, or correct INFER_ONCE_STORE_URL.`,
    );
  }
  const { openStore } = await import('../../store/open.js');
  const { encryptionKeysOfFile } = await import('../../encryption/keys-file.js');
  const encryption = encryptionKeysOfFile(encryptionKeysFile);
  const store = await openStore(storeUrl, { encryption });
  await store.close();
  const sealed = encryption ? `, sealed with key ${encryption.current.id} of ${encryption.source}` : '';
  return `${file ?? storeUrl.slice(0, storeUrl.indexOf(':'))} opens (store ${store.id}${sealed})`;
}

/** Settings of the store's server by which what was acknowledged may be lost; null for a store that has none. */
export async function findStoreWarnings({ storeUrl }: Places): Promise<string[] | null> {
  if (!storeUrl?.startsWith('redis')) return null;
  const { openBackend } = await import('../../store/open.js');
  const store = await openBackend(storeUrl);
  try {
    return (await store.warnings?.()) ?? null;
  } finally {
    await store.close();
  }
}

/** The tasks load. */
export async function checkTasks({ tasksModule }: Config): Promise<string> {
  const { loadTasks } = await import('../../tasks/registry.js');
  const names = (await loadTasks(tasksModule)).names();
  return `${names.join(', ')}${tasksModule ? ` (with ${tasksModule})` : ''}`;
}

/** A provider is configured; nothing is sent to it. */
export async function checkProvider(config: Config, { dev }: Places): Promise<string> {
  const isStandIn = dev?.offline_base_url && !config.apiKey && !config.baseUrl;
  if (isStandIn) return 'the offline stand-in of infer-once dev, recovery stored';
  const [{ createProvider }, { effectiveRecovery }] = await Promise.all([
    import('../../provider/openai.js'),
    import('../../provider/recovery.js'),
  ]);
  const { apiKey, baseUrl, recovery, policy } = config;
  const provider = createProvider({ apiKey, baseUrl, recovery, callTimeoutMs: policy.callTimeoutMs });
  await provider.close();
  const effective = effectiveRecovery(undefined, recovery, provider.openaiApi);
  return `${provider.host}, recovery ${effective}${effective === 'none' ? ' (a lost answer can be found nowhere)' : ''}`;
}

/** Temporal answers and has the namespace. */
export async function checkNamespace(client: Client, address: string): Promise<string> {
  const { namespace } = client.options;
  await client.workflowService.describeNamespace({ namespace });
  return `${address} answers, namespace ${namespace} is there`;
}

/** A namespace without them runs jobs all the same. */
export async function checkSearchAttributes(client: Client): Promise<string> {
  const { missingSearchAttributes } = await import('../search-attributes.js');
  const missing = await missingSearchAttributes(client);
  if (missing.length === 0) return 'all are registered';
  return `${missing.join(', ')} not registered (infer-once setup does it); jobs run without`;
}

const ACTIVITY_QUEUE = 2;
/** A worker's poll lasts a minute; the server remembers one that is gone for five. */
const POLL_MS = 70_000;

/** A worker polls the task queue. */
export async function checkWorkers(client: Client, taskQueue: string): Promise<string> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: ACTIVITY_QUEUE,
  });
  const ages = (pollers ?? []).map(
    ({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000,
  );
  const recent = ages.filter((age) => age < POLL_MS);
  if (recent.length === 0) {
    throw new UserError(`none polls the task queue ${taskQueue}; start infer-once worker.`, {
      code: 'worker_failed',
    });
  }
  const last = formatAge(Math.max(0, Math.min(...recent)));
  return `${recent.length} on task queue ${taskQueue}, last seen ${last} ago`;
}
