import type { Plan } from '../plan';
import type { RatioResult } from './results';
import { measureRounds, ratiosOf, type Side } from './rounds';

/** Runs fresh jobs of the bare workflow and of ours in turn. */
export async function measureRatio(
  ours: Side,
  bare: Side,
  level: { inFlight: number; jobs: number },
  { rounds, roundSeconds }: Pick<Plan, 'rounds' | 'roundSeconds'>,
  onRound: (round: number) => void,
): Promise<RatioResult> {
  const plan = { ...level, rounds, roundSeconds };
  const [floor, own] = await measureRounds([bare, ours], `ratio-${ours.name}`, plan, onRound);
  return {
    name: ours.name,
    inFlight: level.inFlight,
    rounds,
    jobsARound: Math.min(...[...floor!, ...own!].map(({ jobs }) => jobs)),
    ...ratiosOf(own!, floor!),
  };
}
