import { z } from 'zod';
import { ConfigError } from '../../src/errors';
import { defineTask } from '../../src/tasks/define';
import { isTask, type TaskInput, type TaskOutput } from '../../src/tasks/task';

const good = {
  name: 'greet',
  version: '1',
  input: z.object({ who: z.string(), loud: z.boolean().default(false) }),
  output: z.object({ greeting: z.string() }),
  model: 'gpt-6-luna',
  prompt: ({ who }: { who: string }) => `Greet ${who}.`,
};

test('a task carries its settings, with durations in ms', () => {
  const task = defineTask({ ...good, callTimeout: '90s', recovery: 'none', onUnknown: 'rerun', keep: '30d' });
  expect(task).toMatchObject({
    name: 'greet',
    version: '1',
    callTimeoutMs: 90_000,
    recovery: 'none',
    onUnknown: 'rerun',
    keepMs: 2_592_000_000,
  });
  expect(isTask(task)).toBe(true);
});

test('a setting that is not given is undefined, so that the configured one applies', () => {
  const { callTimeoutMs, recovery, onUnknown, keepMs } = defineTask(good);
  expect([callTimeoutMs, recovery, onUnknown, keepMs]).toEqual([undefined, undefined, undefined, undefined]);
});

test('what another copy of this package made is recognised, a look-alike is not', () => {
  const foreign = { [Symbol.for('infer-once.task')]: true };
  expect(isTask(foreign)).toBe(true);
  expect([isTask({ ...good }), isTask(null), isTask('greet'), isTask(undefined)]).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

const zod3Like = { _def: {}, safeParse: () => ({ success: true }) };
test.each<[string, object, RegExp]>([
  ['no name', { name: undefined }, /^A task can't be named undefined; a name is 1 to 63 letters/],
  ['a name with a space', { name: 'my task' }, /can't be named "my task"/],
  ['a name that begins with a digit', { name: '1st' }, /begins with a letter/],
  ['no version', { version: undefined }, /^Task "greet" can't be used: its version must be a text/],
  ['a version that is a number', { version: 1 }, /version must be a text/],
  [
    'an unknown option',
    { temperture: 0 },
    /it has no option temperture; known are name, version, .*system\.$/,
  ],
  ['no input schema', { input: undefined }, /its input must be a schema of zod 4/],
  ['a schema of zod 3', { output: zod3Like }, /its output must be a schema of zod 4/],
  [
    'a recovery that is not known',
    { recovery: 'elsewhere' },
    /recovery is "elsewhere"; it must be one of auto, stored, background, none/,
  ],
  [
    'a policy that is not known',
    { onUnknown: 'retry' },
    /onUnknown is "retry"; it must be one of hold, rerun, fail/,
  ],
  [
    'a duration without a unit',
    { callTimeout: '600' },
    /^callTimeout of task "greet" is "600", which is no duration/,
  ],
  ['a call without any time', { callTimeout: 0 }, /callTimeout must be between 1ms and 1d/],
  ['a call longer than timers hold', { callTimeout: '25d' }, /callTimeout must be between 1ms and 1d/],
  [
    'neither request nor prompt',
    { prompt: undefined },
    /it needs a request function, or a model and a prompt/,
  ],
  ['a prompt without a model', { model: undefined }, /a prompt needs a model/],
  ['request and prompt', { request: () => ({}) }, /it has both request and model/],
  ['a system message that is no text', { system: {} }, /system must be a text/],
  ['a parse that is no function', { parse: 'json' }, /parse must be a function/],
  [
    'an output that strict JSON can not hold',
    { output: z.object({ a: z.string().optional() }) },
    /can't be sent as a response format \(.*optional.*\); change it/,
  ],
  ['an output that is no object', { output: z.string() }, /can't be sent as a response format/],
])('%s is refused in one sentence', (_, change, message) => {
  const attempt = () => defineTask({ ...good, ...change } as never);
  expect(attempt).toThrow(ConfigError);
  expect(attempt).toThrow(message);
  expect(attempt).not.toThrow(/\n/);
});

test('a task without anything is refused, too', () => {
  expect(() => defineTask(undefined as never)).toThrow(ConfigError);
});

test('the input and output types follow from the schemas', () => {
  const task = defineTask({
    ...good,
    prompt: ({ who, loud }) => `Greet ${who.trim()}${loud === true ? '!' : '.'}`,
  });
  const submitted: TaskInput<typeof task> = { who: 'Ada' };
  const result: TaskOutput<typeof task> = { greeting: 'Hello' };
  // @ts-expect-error a default makes `loud` optional, not `who`
  const incomplete: TaskInput<typeof task> = { loud: true };
  // @ts-expect-error the greeting is a text
  const wrong: TaskOutput<typeof task> = { greeting: 1 };
  expect([submitted, result, incomplete, wrong]).toHaveLength(4);
});

test('the compiler refuses what the checks refuse', () => {
  const attempts = [
    // @ts-expect-error an option that does not exist
    () => defineTask({ ...good, retries: 3 }),
    // @ts-expect-error the input has no field `whom`
    () => defineTask({ ...good, prompt: ({ whom }) => `Greet ${whom}.` }),
    () =>
      defineTask({
        name: 'x',
        version: '1',
        input: good.input,
        output: good.output,
        // @ts-expect-error a request needs messages
        request: () => ({ model: 'm' }),
      }),
    // @ts-expect-error no such recovery
    () => defineTask({ ...good, recovery: 'always' }),
  ];
  expect(attempts).toHaveLength(4);
});
