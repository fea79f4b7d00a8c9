/**
 * The built-in tasks' model; `INFER_ONCE_MODEL` overrides it.
 *
 * OpenAI's small current model: it serves Chat Completions with structured output, is the cheapest that
 * the bundled price table knows, and is what OpenAI names as the replacement for gpt-4.1-mini, which is
 * shut down on 14 January 2027 (gpt-5-mini: 11 December 2026).
 *
 * @see https://developers.openai.com/api/docs/deprecations
 */
export const DEFAULT_MODEL = 'gpt-6-luna';
