import fc from 'fast-check';
import { type ClassifyContext, classifyFault } from '../../src/provider/classify';
import type { Fault } from '../../src/provider/fault';

const now = Date.parse('2026-11-24T12:00:00Z');
const openai: ClassifyContext = { openaiApi: true, now };
const gateway: ClassifyContext = { openaiApi: false, now };
const own = {
  error: { message: 'It went wrong with sk-secret.', type: 'server_error', code: null, param: null },
};
const quota = { error: { message: 'Pay.', type: 'insufficient_quota', code: 'insufficient_quota' } };
const response = (status: number, body?: unknown, headers?: Record<string, string>): Fault => ({
  phase: 'response',
  status,
  body,
  headers,
  causeCodes: [],
});
const lost = (phase: Fault['phase'], code: string): Fault => ({
  phase,
  causeCodes: ['APIConnectionError', 'TypeError', code],
});

describe('nothing was written: not executed', () => {
  test.each([
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'ETIMEDOUT',
    'UND_ERR_CONNECT_TIMEOUT',
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'EPROTO',
    'ECONNRESET',
  ])('%s while connecting', (code) => {
    expect(classifyFault(lost('connect', code), openai)).toEqual({
      kind: 'not_executed',
      reason: 'unreachable',
      message: `No connection to the provider (${code}).`,
    });
  });

  test('a request that was never handed to the network', () => {
    expect(classifyFault(lost('unsent', 'TypeError'), openai)).toMatchObject({
      kind: 'not_executed',
      reason: 'unsendable',
    });
  });
});

describe('a connection that failed later: unknown, whatever the code', () => {
  test.each([
    'ECONNRESET',
    'EPIPE',
    'UND_ERR_SOCKET',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_BODY_TIMEOUT',
    'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
    // What says "not connected" elsewhere is no proof once the request was handed to a connection.
    'ECONNREFUSED',
    'ENOTFOUND',
    'UND_ERR_CONNECT_TIMEOUT',
  ])('%s', (code) => {
    expect(classifyFault(lost('sent', code), openai)).toEqual({
      kind: 'unknown',
      reason: `the connection failed after the request was sent (${code})`,
    });
  });
});

describe('the table of statuses', () => {
  test.each<[string, Fault, ClassifyContext, object]>([
    [
      '429 with the provider body',
      response(429, own),
      openai,
      { kind: 'not_executed', reason: 'rate_limited' },
    ],
    [
      '429 with the provider body of another server',
      response(429, own),
      gateway,
      { kind: 'not_executed', reason: 'rate_limited' },
    ],
    [
      '429 for want of quota',
      response(429, quota),
      openai,
      { kind: 'not_executed', reason: 'insufficient_quota' },
    ],
    ['429 without a body', response(429), openai, { kind: 'unknown' }],
    ['429 with an error that is a text', response(429, { error: 'slow down' }), openai, { kind: 'unknown' }],
    ['401', response(401, own), openai, { kind: 'not_executed', reason: 'unauthorized' }],
    ['403', response(403), gateway, { kind: 'not_executed', reason: 'forbidden' }],
    ['400', response(400, own), openai, { kind: 'rejected' }],
    ['404', response(404), gateway, { kind: 'rejected' }],
    ['413', response(413), openai, { kind: 'rejected' }],
    ['422', response(422, own), openai, { kind: 'rejected' }],
    ['451', response(451), openai, { kind: 'rejected' }],
    ['408', response(408, own), openai, { kind: 'unknown' }],
    ['409', response(409, own), openai, { kind: 'unknown' }],
    [
      '500 that the OpenAI API states itself',
      response(500, own),
      openai,
      { kind: 'stated_failure', reason: 'provider_failed' },
    ],
    ['503 that the OpenAI API states itself', response(503, own), openai, { kind: 'stated_failure' }],
    ['500 of another server', response(500, own), gateway, { kind: 'unknown' }],
    ['503 of another server', response(503, own), gateway, { kind: 'unknown' }],
    ['500 without the provider body', response(500), openai, { kind: 'unknown' }],
    ['502', response(502, own), openai, { kind: 'unknown' }],
    ['504', response(504, own), openai, { kind: 'unknown' }],
    ['529', response(529, own), openai, { kind: 'unknown' }],
    ['307', response(307), openai, { kind: 'unknown' }],
    ['304', response(304), openai, { kind: 'unknown' }],
    [
      '200 that can not be read',
      response(200),
      openai,
      { kind: 'unknown', reason: "the answer can't be read (status 200)" },
    ],
    ['no status at all', { phase: 'response', causeCodes: [] }, openai, { kind: 'unknown' }],
  ])('%s', (_, fault, context, outcome) => {
    expect(classifyFault(fault, context)).toMatchObject(outcome);
  });
});

test.each<[string, Record<string, string>, number | undefined]>([
  ['seconds', { 'retry-after': '1800' }, 1_800_000],
  ['fractions of a second', { 'retry-after': '0.25' }, 250],
  ['a date', { 'retry-after': 'Tue, 24 Nov 2026 12:00:30 GMT' }, 30_000],
  ['a date that is over', { 'retry-after': 'Tue, 24 Nov 2026 11:00:00 GMT' }, 0],
  ['milliseconds, which say it more exactly', { 'retry-after-ms': '1500', 'retry-after': '2' }, 1_500],
  ['nonsense', { 'retry-after': 'soon' }, undefined],
  ['a negative number', { 'retry-after': '-5' }, undefined],
  ['nothing', {}, undefined],
])('the provider may say when to come back in %s', (_, headers, retryAfterMs) => {
  expect(classifyFault(response(429, own, headers), gateway)).toHaveProperty('retryAfterMs', retryAfterMs);
  expect(classifyFault(response(503, own, headers), openai)).toHaveProperty('retryAfterMs', retryAfterMs);
});

test('type, code and param are told; the provider message, which may quote key or prompt, never', () => {
  const body = {
    error: {
      message: 'Bad: sk-secret',
      type: 'invalid_request_error',
      code: 'x',
      param: 'messages[0].content',
    },
  };
  expect(classifyFault(response(400, body), openai)).toEqual({
    kind: 'rejected',
    message:
      'The provider refused the request (status 400, type invalid_request_error, code x, param messages[0].content).',
  });
  const smuggled = {
    error: {
      message: 'sk-secret',
      type: 'my sk-secret prompt',
      code: 'c'.repeat(65),
      param: { a: 'sk-secret' },
    },
  };
  expect(classifyFault(response(400, smuggled), openai)).toEqual({
    kind: 'rejected',
    message: 'The provider refused the request (status 400).',
  });
});

test('nothing but a stated row is ever taken for "not executed"', () => {
  const faults = fc.record({
    phase: fc.constantFrom('sent' as const, 'response' as const),
    status: fc.integer({ min: 100, max: 599 }),
    body: fc.oneof(fc.constant(own), fc.constant(quota), fc.anything()),
    headers: fc.dictionary(fc.constantFrom('retry-after', 'retry-after-ms'), fc.string()),
    causeCodes: fc.array(fc.string()),
  });
  fc.assert(
    fc.property(faults, fc.boolean(), (fault, openaiApi) => {
      const { kind } = classifyFault(fault, { openaiApi, now });
      const isRefusal = fault.status >= 400 && fault.status < 500 && ![408, 409].includes(fault.status);
      const isStated = openaiApi && [500, 503].includes(fault.status);
      if (kind === 'not_executed' || kind === 'rejected') return fault.phase === 'response' && isRefusal;
      if (kind === 'stated_failure') return fault.phase === 'response' && isStated;
      return kind === 'unknown';
    }),
  );
});
