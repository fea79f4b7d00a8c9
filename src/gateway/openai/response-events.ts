import { textPieces } from './text-pieces';

/** Any object of the provider's: fields that this version does not know pass too. */
type Loose = Record<string, unknown>;

/** An event without its number. */
type Draft = Loose & { type: string };

/**
 * The events in which the provider would have streamed this response: it begins, each item of its output is
 * added, filled in pieces and done, it ends. Pure, so that every replay has the same bytes. Items of a kind
 * that is not known here come whole.
 *
 * @param response - a stored Response: `completed`, `incomplete` or `failed`
 * @see https://developers.openai.com/api/reference/resources/responses/streaming-events
 */
export function responseEvents(response: Loose): Draft[] {
  const {
    status,
    output,
    completed_at: _,
    incomplete_details: __,
    error: ___,
    usage: ____,
    ...rest
  } = response;
  const begun = {
    ...rest,
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    output: [],
    usage: null,
  };
  const items = Array.isArray(output) ? output : [];
  const drafts: Draft[] = [
    { type: 'response.created', response: begun },
    { type: 'response.in_progress', response: begun },
    ...items.flatMap((item, index) => itemEvents(item ?? {}, index)),
    { type: `response.${endOf(status)}`, response },
  ];
  return drafts.map((draft, sequence_number) => ({ ...draft, sequence_number }));
}

function endOf(status: unknown): string {
  return status === 'incomplete' || status === 'failed' ? status : 'completed';
}

function itemEvents(item: Loose, output_index: number): Draft[] {
  const at = { output_index, item_id: item.id };
  const added = (part: Loose) => ({
    type: 'response.output_item.added',
    output_index,
    item: { ...item, ...part },
  });
  const done = { type: 'response.output_item.done', output_index, item };
  switch (item.type) {
    case 'message':
      return [
        added({ status: 'in_progress', content: [] }),
        ...asList(item.content).flatMap((part, content_index) =>
          contentEvents(part, { ...at, content_index }),
        ),
        done,
      ];
    case 'reasoning':
      return [
        added({ summary: [] }),
        ...asList(item.summary).flatMap((part, summary_index) =>
          summaryEvents(part, { ...at, summary_index }),
        ),
        done,
      ];
    case 'function_call':
      return [
        added({ status: 'in_progress', arguments: '' }),
        ...filled('response.function_call_arguments', at, 'arguments', item.arguments, { name: item.name }),
        done,
      ];
    case 'custom_tool_call':
      return [
        added({ input: '' }),
        ...filled('response.custom_tool_call_input', at, 'input', item.input),
        done,
      ];
    default:
      return [added({}), done];
  }
}

function contentEvents(part: Loose, at: Loose): Draft[] {
  const isText = part.type === 'output_text';
  const name = isText ? 'text' : 'refusal';
  const empty = { ...part, [name]: '', ...(isText && { annotations: [] }) };
  const logprobs = isText ? { logprobs: part.logprobs ?? [] } : {};
  return [
    { type: 'response.content_part.added', ...at, part: empty },
    ...filled(isText ? 'response.output_text' : 'response.refusal', at, name, part[name], logprobs),
    ...asList(part.annotations).map((annotation, annotation_index) => ({
      type: 'response.output_text.annotation.added',
      ...at,
      annotation_index,
      annotation,
    })),
    { type: 'response.content_part.done', ...at, part },
  ];
}

function summaryEvents(part: Loose, at: Loose): Draft[] {
  return [
    { type: 'response.reasoning_summary_part.added', ...at, part: { ...part, text: '' } },
    ...filled('response.reasoning_summary_text', at, 'text', part.text),
    { type: 'response.reasoning_summary_part.done', ...at, part },
  ];
}

/** A text in pieces, then whole under its name; `more` is said with the whole one. */
function filled(type: string, at: Loose, name: string, text: unknown, more: Loose = {}): Draft[] {
  if (typeof text !== 'string') return [];
  const deltas = textPieces(text).map((delta) => ({
    type: `${type}.delta`,
    ...at,
    delta,
    // the whole text's are said at its end: nobody joins those of the pieces
    ...('logprobs' in more && { logprobs: [] }),
  }));
  return [...deltas, { type: `${type}.done`, ...at, [name]: text, ...more }];
}

function asList(value: unknown): Loose[] {
  return Array.isArray(value) ? value.map((item) => item ?? {}) : [];
}
