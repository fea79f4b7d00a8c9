import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../../errors';

/** Where Temporal's binaries are: says nothing of jobs, and a machine may need it. */
const MACHINE = ['INFER_ONCE_TEMPORAL_CLI', 'INFER_ONCE_CACHE_DIR'];
/** What a real provider is reached by. */
const PROVIDER = [
  ...['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OPENAI_ORG_ID', 'OPENAI_PROJECT_ID'],
  ...['INFER_ONCE_MODEL', 'INFER_ONCE_RECOVERY'],
];

/**
 * Makes this process, and all that it starts, deaf to the shell's settings of Temporal, provider and
 * infer-once: people who build with LLMs export keys, and the demo must neither spend them nor trip over
 * them. A real provider's settings are kept where `live`, also those of `.env` in the working directory.
 *
 * @throws ConfigError where `.env` is there and can't be read
 */
export function closeEnvironment(env: NodeJS.ProcessEnv, live: boolean): void {
  if (live) loadDotEnv();
  const kept = live ? [...MACHINE, ...PROVIDER] : MACHINE;
  for (const name of Object.keys(env)) {
    if (/^(INFER_ONCE|OPENAI|TEMPORAL)_/.test(name) && !kept.includes(name)) delete env[name];
  }
  for (const name of MACHINE) {
    if (env[name]) env[name] = resolve(env[name]);
  }
}

function loadDotEnv(): void {
  try {
    if (existsSync('.env')) process.loadEnvFile();
  } catch (cause) {
    throw new ConfigError(`The file .env can't be read (${(cause as NodeJS.ErrnoException).code}).`, cause);
  }
}
