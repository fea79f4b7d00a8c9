import { createInterface } from 'node:readline/promises';
import { loadConfig } from '../../config';
import { ConfigError } from '../../errors';
import type { Usage } from '../../job';
import { createProvider } from '../../provider/openai';
import { priceUsd } from '../../provider/price';
import { enrich } from '../../tasks/enrich';
import { renderRequest } from '../../tasks/render';
import { COPIES, filmJobs } from './jobs';
import type { DemoOptions } from './options';

/** The real provider, and whether an answer that was lost can be found there again. */
export interface LiveProvider {
  host: string;
  canRecover: boolean;
}

/** What a run would cost at the real provider. */
export interface Estimate {
  model: string;
  usage: Usage;
  /** Null where the model's price is not known. */
  usd: number | null;
}

/**
 * The real provider, after the user has seen an estimate and agreed.
 *
 * @returns null where the user did not agree
 * @throws ConfigError without a key or base URL, or with no terminal to ask on and no `--yes`
 */
export async function confirmLive(options: DemoOptions, signal: AbortSignal): Promise<LiveProvider | null> {
  const config = loadConfig(process.env);
  if (!config.apiKey && !config.baseUrl) {
    throw new ConfigError(
      '--live needs OPENAI_API_KEY, or OPENAI_BASE_URL for another server; without --live the demo uses the offline stand-in.',
    );
  }
  const { apiKey, baseUrl, recovery, policy } = config;
  const provider = createProvider({ apiKey, baseUrl, recovery, callTimeoutMs: policy.callTimeoutMs });
  const live = { host: provider.host, canRecover: provider.lookUp(enrich) !== null };
  await provider.close();
  const estimate = estimateCost(options.jobs, config.model, config.baseUrl);
  process.stderr.write(`${describe(options.jobs, live, estimate)}\n`);
  if (options.yes) return live;
  if (!process.stdin.isTTY) {
    throw new ConfigError('There is no terminal to ask on; say --yes to spend that without being asked.');
  }
  return (await ask('Go on? [y/N] ', signal)) ? live : null;
}

/** An estimate by a quarter token a character, for a model that answers without thinking first. */
export function estimateCost(jobs: number, model: string | undefined, baseUrl: string | undefined): Estimate {
  const requests = filmJobs(jobs).map(({ job_id, input }) =>
    renderRequest(enrich, enrich.input.parse(input), { job_id, model }),
  );
  const answers = filmJobs(jobs).map(({ input }) => JSON.stringify(input));
  const usage: Usage = {
    input_tokens: countTokens(
      requests.map(({ messages, response_format }) => JSON.stringify({ messages, response_format })),
    ),
    output_tokens: countTokens(answers),
    cached_tokens: null,
    reasoning_tokens: null,
  };
  const named = requests[0]!.model;
  return { model: named, usage, usd: priceUsd(named, usage, baseUrl) };
}

const countTokens = (texts: string[]) => texts.reduce((sum, text) => sum + Math.ceil(text.length / 4), 0);

function describe(jobs: number, { host, canRecover }: LiveProvider, { model, usage, usd }: Estimate): string {
  const tokens = `about ${usage.input_tokens!.toLocaleString('en-US')} tokens in and ${usage.output_tokens!.toLocaleString('en-US')} out`;
  const price =
    usd === null ? 'at a price that is not known here' : `about $${usd.toPrecision(2)} at list price`;
  const stored = canRecover
    ? `${host} is asked to store the answers, so that those lost with the killed worker can be found again.`
    : `${host} is not known to store answers, so no worker is killed; INFER_ONCE_RECOVERY=stored says that it does.`;
  return [
    `This calls ${host} for real: ${jobs} jobs, model ${model}, ${tokens}, ${price}; several times that where the model thinks before it answers.`,
    `The other ${jobs * (COPIES - 1)} submissions cost nothing. ${stored}`,
  ].join('\n');
}

async function ask(question: string, signal: AbortSignal): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // a terminal in this mode gives Ctrl-C to readline, not to the process
  terminal.once('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return /^\s*y(es)?\s*$/i.test(await terminal.question(question, { signal }));
  } finally {
    terminal.close();
  }
}
