import type { Command } from 'commander';
import type { ProviderCopies } from '../../client';
import { type Config, loadConfig } from '../../config';
import { ConfigError } from '../../errors';
import { jobKey } from '../../job';
import { type ClientOptions, withJobs } from '../context';
import { addClientOptions, addEpilogue } from '../help';
import { isForPeople, printJson, printText } from '../output';
import type { Places } from '../places';
import { describeRecord } from '../record-text';

interface ForgetOptions extends ClientOptions {
  keepProviderCopies?: boolean;
}

/** `forget ID`: erases a settled job. */
export function addForget(program: Command): void {
  const command = program
    .command('forget')
    .summary('erase a settled job; its id stays taken')
    .description(
      "Erases a settled job: input, results, history, and what the provider stored of it. Its id can't be used again.",
    )
    .argument('<job-id>')
    .option('--keep-provider-copies', 'leave what the provider stored; nobody can find it afterwards')
    .action(forget);
  addEpilogue(
    addClientOptions(command),
    ['infer-once forget film-1'],
    [0, 2, 6],
    [
      'Needs the store, and OPENAI_API_KEY or OPENAI_BASE_URL as the workers have it; or INFER_ONCE_GATEWAY_URL.',
    ],
  );
}

async function forget(id: string, options: ForgetOptions): Promise<void> {
  jobKey(id);
  if (options.keepProviderCopies && loadConfig(process.env).gatewayUrl !== undefined) {
    throw new ConfigError(
      'A gateway always deletes what the provider stored; unset INFER_ONCE_GATEWAY_URL for --keep-provider-copies.',
    );
  }
  const makeProvider = options.keepProviderCopies ? undefined : openProvider;
  await withJobs(
    options,
    async ({ jobs, reachTemporal }) => {
      await reachTemporal();
      const record = await jobs.forget(id);
      if (isForPeople(options)) printText(describeRecord(record));
      else printJson(record);
    },
    { makeProvider },
  );
}

/** Beside `infer-once dev` with the offline model it is that one that stored the answers. */
async function openProvider(config: Config, { dev }: Places): Promise<ProviderCopies> {
  const { createProvider } = await import('../../provider/openai.js');
  const { apiKey, policy } = config;
  const baseUrl = dev?.offline_base_url ?? config.baseUrl;
  if (!apiKey && !baseUrl) {
    throw new ConfigError(
      'forget deletes what the provider stored, too, and needs OPENAI_API_KEY or OPENAI_BASE_URL for it; set it as the workers have it, or pass --keep-provider-copies.',
    );
  }
  const recovery = dev?.offline_base_url ? 'stored' : config.recovery;
  const provider = createProvider({ apiKey, baseUrl, recovery, callTimeoutMs: policy.callTimeoutMs });
  const [{ loadTasks }, { providerCopies }] = await Promise.all([
    import('../../tasks/registry.js'),
    import('../../provider/copies.js'),
  ]);
  return providerCopies(provider, await loadTasks(config.tasksModule));
}
