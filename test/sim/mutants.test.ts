import { tryToCatch } from './catch';
import { Sources } from './loader';
import { MUTANTS } from './mutants';

/** Each mutant is the protocol with one rule broken; a simulator that lets one live proves nothing. */
test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  'the simulator catches: %s',
  async (_, mutant) => {
    const { caught } = await tryToCatch(mutant);
    expect(caught).not.toBeNull();
  },
  300_000,
);

test('the code as it is is not caught', async () => {
  expect((await tryToCatch({ name: 'none', edits: [] })).caught).toBeNull();
}, 300_000);

test('a mutant that no longer applies fails loudly', () => {
  const edit = { file: 'once/run.ts', find: 'not in this file', replace: '' };
  expect(() => new Sources([edit])).toThrow('holds 0 times, not once');
});
