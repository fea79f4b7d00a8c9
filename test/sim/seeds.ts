/**
 * Seeds that are worth playing whatever range a run takes: those that broke an invariant in long runs, and
 * those that catch a mutant which few seeds do. A change of the plans gives a seed another meaning; so each
 * mend also stands in mutants.ts, undone.
 */
export const KEPT_SEEDS: readonly number[] = [5, 24, 38, 143, 220, 222, 274, 877];
