import { calcPrice, findProvider, type Provider } from '@pydantic/genai-prices';
import type { Usage } from '../job';

/**
 * The list price of one answer in USD, by the price table bundled with `@pydantic/genai-prices`; no network.
 *
 * @param baseUrl - a host that the table knows (Azure, OpenRouter) is priced by its own list; another one
 *   by OpenAI's, since a gateway that speaks for OpenAI keeps its model names
 * @returns null where model, usage or price is not known; never 0 for want of knowledge
 */
export function priceUsd(model: string | null, usage: Usage | null, baseUrl?: string): number | null {
  // A missing count would be taken for 0.
  if (!model || usage?.input_tokens == null || usage.output_tokens == null) return null;
  const counts = {
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    ...(usage.cached_tokens === null ? {} : { cache_read_tokens: usage.cached_tokens }),
  };
  try {
    return calcPrice(counts, model, { provider: listFor(model, baseUrl) })?.total_price ?? null;
  } catch {
    // Counts that contradict each other (more cached than read) have no price.
    return null;
  }
}

/** How many lists are kept: a caller may name models as he likes. */
const MOST_LISTS = 100;
const lists = new Map<string, Provider | undefined>();

/** The provider with nothing but this model: to find both in the table took 0.4 ms of a job. */
function listFor(model: string, baseUrl: string | undefined): Provider | undefined {
  const name = JSON.stringify([model, baseUrl]);
  if (lists.has(name)) return lists.get(name);
  const provider =
    (baseUrl && findProvider({ providerApiUrl: baseUrl })) || findProvider({ providerId: 'openai' });
  const found = calcPrice({}, model, { provider });
  const list = found ? { ...found.provider, models: [found.model] } : provider;
  if (lists.size >= MOST_LISTS) lists.clear();
  lists.set(name, list);
  return list;
}
