import { ConfigError } from '../../src/errors';
import { checkSchema } from '../../src/tasks/check';
import { chatCompletions, responses } from '../../src/tasks/endpoint';
import { judgeCompletion } from '../../src/tasks/judge';
import { judgeResponse } from '../../src/tasks/judge-response';
import { renderRequest } from '../../src/tasks/render';

const CONTEXT = { job_id: 'a', model: 'model-of-the-environment' };
const CHAT = { model: 'gpt-6-luna', messages: [{ role: 'user', content: 'hi' }], top_nonsense: [1, null] };

test('a request is sent as its caller wrote it: his model, unknown fields, nothing added; but never a stream', () => {
  const streamed = { ...CHAT, stream: true, stream_options: { include_usage: true } };
  expect(renderRequest(chatCompletions, streamed, CONTEXT)).toEqual(CHAT);
  const request = { model: 'gpt-6-luna', input: 'hi', store: false };
  expect(renderRequest(responses, { ...request, stream: false }, CONTEXT)).toEqual(request);
});

test('what is wrong with a request is for the provider to say; only what is no object is no input', () => {
  for (const task of [chatCompletions, responses]) {
    expect(checkSchema(task.input, { messages: 5 })).toEqual({ data: { messages: 5 } });
    for (const input of ['text', null, [], 5]) expect(checkSchema(task.input, input)).toHaveProperty('fault');
  }
});

test('whether a response runs in the background is not for its caller to choose', () => {
  const request = { model: 'm', input: 'hi', background: true };
  expect(() => renderRequest(responses, request, CONTEXT)).toThrow(ConfigError);
  expect(() => renderRequest(responses, request, CONTEXT)).toThrow(/it has background/);
});

test('a refusal and an answer that was cut off are results, whole', () => {
  const cut = { choices: [{ finish_reason: 'length', message: { content: null, refusal: 'no' } }] };
  expect(judgeCompletion(chatCompletions, cut)).toEqual({ result: cut });
  const incomplete = { status: 'incomplete', output: [], incomplete_details: { reason: 'content_filter' } };
  expect(judgeResponse(responses, incomplete)).toEqual({ result: incomplete });
});

test('an operator can adopt only what is an answer of that endpoint', () => {
  expect(checkSchema(chatCompletions.output, { choices: [] })).toHaveProperty('data');
  expect(checkSchema(responses.output, { output: [] })).toHaveProperty('data');
  expect(checkSchema(chatCompletions.output, { output: [] })).toHaveProperty('fault');
  expect(checkSchema(responses.output, { choices: [] })).toHaveProperty('fault');
});
