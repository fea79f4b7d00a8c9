import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MUTANTS } from './mutants';
import { NAMED_MUTANTS } from './named-mutants';
import { runNamedTest } from './run-named-test';

const MINUTES = 60_000;

/** Each breaks a rule that is outside of what the simulator meets or checks; its test has to see it. */
test.each(NAMED_MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  'a named test catches: %s',
  async (_, mutant) => {
    expect(await runNamedTest(mutant)).toEqual({ passed: [], failed: [mutant.test] });
  },
  5 * MINUTES,
);

test(
  'the code as it is passes such a test',
  async () => {
    const { file, test } = NAMED_MUTANTS[0]!;
    expect(await runNamedTest({ file, test, edits: [] })).toEqual({ passed: [test], failed: [] });
  },
  MINUTES,
);

test('the README of the tests lists each mutant, and what catches it', () => {
  const readme = readFileSync(join(__dirname, '../README.md'), 'utf8');
  const lines = [
    ...MUTANTS.map(({ name }) => `| ${name} | `),
    ...NAMED_MUTANTS.map(({ name, file }) => `| ${name} | \`${file}\` |`),
  ];
  expect(lines.filter((line) => !readme.includes(`\n${line}`))).toEqual([]);
});
