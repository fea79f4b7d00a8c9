import { parseMessage } from '../../src/queue/message';

const body = (fields: object) => JSON.stringify(fields);
const job = { job_id: 'a', task: 'enrich', input: { title: 'x' } };
const wrap = (Message: string, more = {}) => ({ Type: 'Notification', TopicArn: 'arn:x', Message, ...more });

test('a message is a job of exactly these fields; any JSON is an input, null too', () => {
  expect(parseMessage(body(job))).toEqual({ job });
  expect(parseMessage(` ${body({ ...job, input: null })}\n`)).toEqual({ job: { ...job, input: null } });
});

test('what SNS wraps is unwrapped, once', () => {
  expect(parseMessage(body(wrap(body(job), { MessageId: 'm', Signature: 's' })))).toEqual({ job });
  expect(parseMessage(body(wrap(body(wrap(body(job))))))).toMatchObject({ jobId: null });
});

test.each([
  ['', null, 'it is not JSON'],
  ['{"job_id": "a"', null, 'it is not JSON'],
  ['[]', null, 'no JSON object'],
  ['null', null, 'no JSON object'],
  ['"text"', null, 'no JSON object'],
  [body(wrap('hello')), null, 'it is not JSON'],
  [body({ ...job, job_id: undefined }), null, 'job_id'],
  [body({ ...job, job_id: 7 }), null, 'job_id'],
  [body({ ...job, job_id: '' }), '', 'Job id ""'],
  [body({ ...job, job_id: 'acme/a' }), 'acme/a', 'Job id "acme/a"'],
  [body({ ...job, job_id: 'x'.repeat(300) }), 'x'.repeat(80), "can't be used"],
  [body({ ...job, task: undefined }), 'a', 'no task'],
  [body({ ...job, task: 'a task' }), 'a', 'no task'],
  [body({ ...job, task: ['enrich'] }), 'a', 'no task'],
  [body({ ...job, input: undefined }), 'a', 'no input'],
  [body({ ...job, model: 'hunter2' }), 'a', 'other fields'],
  ['{"job_id": "a", "task": "enrich", "input": 1, "__proto__": {}}', null, '__proto__'],
  ['{"job_id": "a", "job_id": "b", "task": "enrich", "input": 1}', null, 'twice'],
  ['{"job_id": "a", "task": "enrich", "input": {"x": 1, "x": 1}}', null, 'twice'],
])('what is no job is told in a sentence that shows nothing of it but its id: %s', (text, jobId, says) => {
  const parsed = parseMessage(text);
  expect(parsed).toEqual({ jobId, fault: expect.stringContaining(says) });
  expect((parsed as { fault: string }).fault).toMatch(/^[^\n]+\.$/);
  expect(JSON.stringify(parsed)).not.toContain('hunter2');
});
