import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, UnknownTaskError } from '../../src/errors';
import { judgeCompletion } from '../../src/tasks/judge';
import { loadTasks } from '../../src/tasks/registry';
import { renderRequest } from '../../src/tasks/render';

const folder = mkdtempSync(join(tmpdir(), 'infer-once-tasks-'));
afterAll(() => rmSync(folder, { recursive: true }));

let written = 0;
function moduleFile(source: string, extension = 'ts'): string {
  const path = join(folder, `tasks-${++written}.${extension}`);
  writeFileSync(path, source);
  return path;
}

const BUILT_IN = ['enrich', 'prompt', 'chat.completions', 'responses'];
const HEAD = `
import { defineTask } from 'infer-once';
import { z } from 'zod';
const make = (name: string) => defineTask({
  name, version: '1', input: z.object({}), output: z.object({}), model: 'm', prompt: () => 'hi',
});
`;

test('the built-in tasks are there without any module', async () => {
  const registry = await loadTasks();
  expect(registry.names()).toEqual(BUILT_IN);
  expect(registry.get('enrich').version).toBe('1');
});

test('an unknown task is an error that lists the known ones', async () => {
  const registry = await loadTasks('');
  expect(() => registry.get('enrch')).toThrow(UnknownTaskError);
  expect(() => registry.get('__proto__')).toThrow(/known are enrich, prompt, chat\.completions, responses/);
});

test('the example module loads the way INFER_ONCE_TASKS loads it, and its task works', async () => {
  const task = (await loadTasks('examples/tasks.ts')).get('sentiment');
  expect(task.input.safeParse({ text: '' }).success).toBe(false);
  const request = renderRequest(task, { text: 'Great film.' }, { job_id: 'review-1' });
  expect(request).toMatchObject({ response_format: { json_schema: { name: 'sentiment', strict: true } } });
  expect(JSON.stringify(request.messages)).toContain('Great film.');
  const content = '{"sentiment":"positive","confidence":0.9}';
  const completion = { choices: [{ finish_reason: 'stop', message: { content } }] };
  expect(judgeCompletion(task, completion)).toEqual({ result: { sentiment: 'positive', confidence: 0.9 } });
});

test.each([
  ['single named exports', 'export const a = make("a"); export const b = make("b");'],
  ['a default export', 'export default make("a"); export const b = make("b");'],
  ['arrays', 'export default [make("a")]; export const more = [make("b")];'],
  ['the same task by two names', 'export const a = make("a"); export default a; export const b = make("b");'],
  [
    'other things beside',
    'export const a = make("a"); export const b = make("b"); export const limit = 5; export type T = 1;',
  ],
])('a TypeScript module outside of any node_modules may export %s', async (_, source) => {
  const registry = await loadTasks(moduleFile(HEAD + source));
  expect(registry.names()).toEqual(expect.arrayContaining([...BUILT_IN, 'a', 'b']));
  expect(registry.names()).toHaveLength(6);
});

test.each([
  ['cjs', 'module.exports = { a: defineTask(options) };'],
  ['cjs', 'module.exports = defineTask(options);'],
  ['cjs', 'module.exports = [defineTask(options)];'],
])('a plain JavaScript module (%s) works: %s', async (extension, end) => {
  const source = `const { defineTask } = require('infer-once'); const { z } = require('zod');
    const options = { name: 'a', version: '1', input: z.object({}), output: z.object({}), model: 'm', prompt: () => 'hi' };
    ${end}`;
  expect((await loadTasks(moduleFile(source, extension))).names()).toEqual([...BUILT_IN, 'a']);
});

test('a module of ES syntax in a .mjs file works', async () => {
  const source = `${HEAD.replace(': string', '')} export const a = make('a');`;
  expect((await loadTasks(moduleFile(source, 'mjs'))).names()).toEqual([...BUILT_IN, 'a']);
});

test.each<[string, string, RegExp]>([
  [
    'exports no task',
    'export const a = 1; export const b = 2;',
    /it exports no task \(it exports a, b\); export what/,
  ],
  ['exports nothing', 'export {};', /it exports no task \(it exports nothing\)/],
  [
    'has something else as its default',
    'export const a = make("a"); export default 5;',
    /its export default holds something that is no task/,
  ],
  ['mixes a list', 'export const list = [make("a"), {}];', /its export list holds something that is no task/],
  [
    'takes the name of a built-in task',
    'export const a = make("enrich");',
    /^Two tasks are named "enrich" in the tasks module .* rename one\.$/,
  ],
  [
    'has two tasks of one name',
    'export const a = make("a"); export const b = make("a");',
    /^Two tasks are named "a"/,
  ],
  ['does not parse', 'export const a = {', /it does not load \(/],
  ['throws', 'throw new Error("no database\\nsecond line");', /it does not load \(no database\)\.$/],
  [
    'imports what is not there',
    'import "no-such-package";',
    /it does not load \(Cannot find module 'no-such-package'/,
  ],
  [
    'defines a task badly',
    'make("bad name");',
    /it does not load \(A task can't be named "bad name"; .*\)\.$/,
  ],
])('a module that %s is a sentence that names its path', async (_, source, message) => {
  const path = moduleFile(HEAD + source);
  const attempt = loadTasks(path);
  await expect(attempt).rejects.toThrow(ConfigError);
  await expect(attempt).rejects.toThrow(message);
  await expect(attempt).rejects.toThrow(path);
  await expect(attempt).rejects.not.toThrow(/\n/);
});

test('a module that is not there is a sentence that names its path and the variable', async () => {
  await expect(loadTasks('no/such.ts')).rejects.toThrow(
    "The tasks module no/such.ts can't be used: there is no such file; check INFER_ONCE_TASKS.",
  );
});
