import { simulateMany } from './batch';
import { Sources } from './loader';
import type { Mutant } from './mutants';

/** How a mutant fared. */
export interface Fate {
  name: string;
  /** Null where no seed caught it. */
  caught: { seed: number; invariant: string; text: string } | null;
}

/** Every mutant has to be caught within so many seeds. */
export const SEEDS_PER_MUTANT = 1000;

/**
 * Runs seeds over the broken sources until one is caught.
 *
 * @throws Error where the mutant does not apply to the sources as they are
 */
export async function tryToCatch({ name, edits }: Mutant): Promise<Fate> {
  const sources = new Sources(edits);
  const { failed } = await simulateMany(1, SEEDS_PER_MUTANT, sources, ({ failed }) => failed.length > 0);
  const first = failed[0];
  if (!first) return { name, caught: null };
  const { invariant, text } = first.violations[0]!;
  return { name, caught: { seed: first.seed, invariant, text: text.split('\n')[0]! } };
}
