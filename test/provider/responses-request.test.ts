import type { ChatCompletionCreateParamsNonStreaming } from 'openai/resources/chat/completions';
import { ConfigError } from '../../src/errors';
import { toResponsesRequest } from '../../src/provider/responses-request';

type Request = ChatCompletionCreateParamsNonStreaming;

const BASE: Request = { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'Hi' }] };
const translate = (change: object) => toResponsesRequest('greet', { ...BASE, ...change } as Request);
const FIXED = { model: 'gpt-6-luna', background: true, store: true };
const INPUT = [{ role: 'user', content: 'Hi' }];

test('every request is made in the background and stored', () => {
  expect(translate({})).toEqual({ ...FIXED, input: INPUT });
  expect(translate({ store: true })).toEqual({ ...FIXED, input: INPUT });
});

const schema = { type: 'object', properties: {} };

test.each<[string, object, object]>([
  ['temperature', { temperature: 0.2 }, { temperature: 0.2 }],
  ['top_p', { top_p: 0 }, { top_p: 0 }],
  ['metadata', { metadata: { team: 'a' } }, { metadata: { team: 'a' } }],
  ['user', { user: 'u' }, { user: 'u' }],
  ['safety_identifier', { safety_identifier: 's' }, { safety_identifier: 's' }],
  ['service_tier', { service_tier: 'flex' }, { service_tier: 'flex' }],
  ['prompt_cache_key', { prompt_cache_key: 'k' }, { prompt_cache_key: 'k' }],
  ['parallel_tool_calls', { parallel_tool_calls: false }, { parallel_tool_calls: false }],
  ['max_completion_tokens', { max_completion_tokens: 9 }, { max_output_tokens: 9 }],
  ['max_tokens', { max_tokens: 8 }, { max_output_tokens: 8 }],
  ['reasoning_effort', { reasoning_effort: 'low' }, { reasoning: { effort: 'low' } }],
  ['verbosity', { verbosity: 'low' }, { text: { verbosity: 'low' } }],
  ['text format', { response_format: { type: 'text' } }, { text: { format: { type: 'text' } } }],
  [
    'json_object',
    { response_format: { type: 'json_object' } },
    { text: { format: { type: 'json_object' } } },
  ],
  [
    'json_schema, beside verbosity',
    {
      response_format: { type: 'json_schema', json_schema: { name: 'film', schema, strict: true } },
      verbosity: 'high',
    },
    { text: { format: { type: 'json_schema', name: 'film', schema, strict: true }, verbosity: 'high' } },
  ],
  [
    'json_schema that says nothing of strictness',
    {
      response_format: { type: 'json_schema', json_schema: { name: 'film', description: 'A film', schema } },
    },
    { text: { format: { type: 'json_schema', name: 'film', description: 'A film', schema, strict: false } } },
  ],
  [
    'function tools, not strict where they say nothing of it',
    {
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: schema } },
        { type: 'function', function: { name: 'g', strict: true } },
      ],
    },
    {
      tools: [
        { type: 'function', name: 'f', description: 'd', parameters: schema, strict: false },
        { type: 'function', name: 'g', parameters: null, strict: true },
      ],
    },
  ],
  ['tool_choice', { tool_choice: 'required' }, { tool_choice: 'required' }],
  [
    'tool_choice of one function',
    { tool_choice: { type: 'function', function: { name: 'f' } } },
    { tool_choice: { type: 'function', name: 'f' } },
  ],
  [
    'options at the value that changes nothing, and nulls',
    {
      n: 1,
      stream: false,
      logprobs: false,
      frequency_penalty: 0,
      presence_penalty: 0,
      stop: null,
      seed: null,
    },
    {},
  ],
])('%s has its counterpart', (_, change, expected) => {
  expect(translate(change)).toEqual({ ...FIXED, input: INPUT, ...expected });
});

test.each<[string, object[], object[]]>([
  [
    'roles with text',
    [
      { role: 'system', content: 's' },
      { role: 'developer', content: 'd' },
      { role: 'user', content: 'u' },
      { role: 'assistant', content: 'a' },
    ],
    [
      { role: 'system', content: 's' },
      { role: 'developer', content: 'd' },
      { role: 'user', content: 'u' },
      { role: 'assistant', content: 'a' },
    ],
  ],
  [
    'parts: text, image, file',
    [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is it?' },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
          { type: 'file', file: { file_id: 'file-1' } },
        ],
      },
    ],
    [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'What is it?' },
          { type: 'input_image', image_url: 'https://example.com/a.png', detail: 'auto' },
          { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'low' },
          { type: 'input_file', file_id: 'file-1' },
        ],
      },
    ],
  ],
  [
    "an assistant's text parts, as one text",
    [
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'one ' },
          { type: 'text', text: 'two' },
        ],
      },
    ],
    [{ role: 'assistant', content: 'one two' }],
  ],
  [
    'tool calls and what the tools said',
    [
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: '7' },
    ],
    [
      { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
      { type: 'function_call_output', call_id: 'c1', output: '7' },
    ],
  ],
])('messages become input: %s', (_, messages, input) => {
  expect(translate({ messages })).toEqual({ ...FIXED, input });
});

test.each<[string, object]>([
  ['stop', { stop: ['\n'] }],
  ['seed', { seed: 1 }],
  ['n', { n: 2 }],
  ['frequency_penalty', { frequency_penalty: 0.5 }],
  ['logprobs', { logprobs: true }],
  ['logit_bias', { logit_bias: { 1: 2 } }],
  ['audio', { audio: { voice: 'ash', format: 'mp3' } }],
  ['modalities', { modalities: ['text', 'audio'] }],
  ['prediction', { prediction: { type: 'content', content: 'x' } }],
  ['web_search_options', { web_search_options: {} }],
  ['functions', { functions: [{ name: 'f' }] }],
  ['an_option_of_tomorrow', { an_option_of_tomorrow: true }],
  ['store: false', { store: false }],
  ['max_tokens beside max_completion_tokens', { max_tokens: 1, max_completion_tokens: 1 }],
  ['tools[0] of type "custom"', { tools: [{ type: 'custom', custom: { name: 'c' } }] }],
  ['tool_choice of type "allowed_tools"', { tool_choice: { type: 'allowed_tools', allowed_tools: {} } }],
  ['messages[0].name', { messages: [{ role: 'user', name: 'ann', content: 'Hi' }] }],
  ['messages[0] of role "function"', { messages: [{ role: 'function', name: 'f', content: '7' }] }],
  [
    'messages[0].content[0] of type "input_audio"',
    { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
  ],
  [
    'messages[0].content[0] of type "refusal"',
    { messages: [{ role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] }] },
  ],
])('%s has no counterpart, and is refused by name', (option, change) => {
  const attempt = () => translate(change);
  expect(attempt).toThrow(ConfigError);
  expect(attempt).toThrow(`Task "greet" can't run with recovery background: its request has ${option}, and`);
});
