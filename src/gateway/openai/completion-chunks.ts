import { textPieces } from './text-pieces';

/** Any object of the provider's: fields that this version does not know pass too. */
type Loose = Record<string, unknown>;

/** What every chunk says of its completion. */
const OF_ALL = ['id', 'created', 'model', 'service_tier', 'system_fingerprint'];

/**
 * The chunks in which the provider would have streamed this completion: for each choice the role, the text in
 * pieces, the tool calls and the finish reason; then, where it was asked for, the usage. Pure, so that every
 * replay has the same bytes. Fields that are not known here, of the completion or of a message, come once, with
 * the role.
 *
 * @param completion - a stored ChatCompletion
 * @param includeUsage - `stream_options.include_usage`
 * @see https://developers.openai.com/api/reference/resources/chat/subresources/completions/streaming-events
 */
export function completionChunks(completion: Loose, includeUsage: boolean): Loose[] {
  const { object: _, choices, usage = null, ...rest } = completion;
  const isOfAll = ([name]: [string, unknown]) => OF_ALL.includes(name);
  const base = {
    ...Object.fromEntries(Object.entries(rest).filter(isOfAll)),
    object: 'chat.completion.chunk',
  };
  const head = includeUsage ? { ...base, usage: null } : base;
  const deltas = (Array.isArray(choices) ? choices : []).flatMap((choice) => choiceDeltas(choice ?? {}));
  const chunks = deltas.map((choice, at) => ({ ...(at === 0 && rest), ...head, choices: [choice] }));
  return includeUsage ? [...chunks, { ...base, choices: [], usage }] : chunks;
}

function choiceDeltas(choice: Loose): Loose[] {
  const { index = 0, message, finish_reason = null, logprobs = null, ...more } = choice;
  const { role = 'assistant', content, refusal, tool_calls, ...rest } = (message ?? {}) as Loose;
  const delta = (delta: Loose, probabilities: unknown = null) => ({
    index,
    delta,
    logprobs: probabilities,
    finish_reason: null,
  });
  const calls = Array.isArray(tool_calls) ? tool_calls : [];
  const isText = typeof content === 'string';
  return [
    delta({ role, content: isText ? '' : (content ?? null), ...dropNulls(rest) }),
    ...piecesOf(content, logprobs).map((piece, at) => delta({ content: piece }, at === 0 ? logprobs : null)),
    ...piecesOf(refusal, logprobs).map((piece, at) =>
      delta({ refusal: piece }, at === 0 && !isText ? logprobs : null),
    ),
    ...calls.flatMap((call, at) => callDeltas(call ?? {}, at)).map((call) => delta({ tool_calls: [call] })),
    { index, delta: {}, logprobs: null, finish_reason, ...more },
  ];
}

/** Probabilities are of the whole text, and clients join those of its pieces: such a text is one piece. */
function piecesOf(text: unknown, logprobs: unknown): string[] {
  if (typeof text !== 'string' || text === '') return [];
  return logprobs === null ? textPieces(text) : [text];
}

/** A function's call begins with its name, its arguments come in pieces; any other kind comes whole. */
function callDeltas(call: Loose, index: number): Loose[] {
  const { arguments: args, ...named } = (call.function ?? {}) as Loose;
  if (typeof args !== 'string') return [{ index, ...call }];
  const pieces = textPieces(args).map((piece) => ({ index, function: { arguments: piece } }));
  return [{ index, ...call, function: { ...named, arguments: '' } }, ...pieces];
}

/** In a delta, what is not there is not said. */
function dropNulls(fields: Loose): Loose {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
