import { type Levels, narrowLevels, type PlanOptions } from '../plan';

/** How much of each setting is measured. */
export interface SettingsPlan {
  /** Jobs in flight at once, and how many of each value's are run so in each round. */
  levels: Levels;
  rounds: number;
  /** No new job of a value is begun after so long in a round, s. */
  roundSeconds: number;
}

export const FULL: SettingsPlan = {
  levels: [
    { inFlight: 1, jobs: 20 },
    { inFlight: 10, jobs: 80 },
    { inFlight: 100, jobs: 200 },
  ],
  // each is first as often, of two, of three and of four values
  rounds: 12,
  roundSeconds: 10,
};

/** Enough to see what doubles a time, and no more. */
export const QUICK: SettingsPlan = {
  levels: [
    { inFlight: 1, jobs: 8 },
    { inFlight: 10, jobs: 30 },
    { inFlight: 100, jobs: 100 },
  ],
  rounds: 6,
  roundSeconds: 4,
};

/** A plan with what the command line asks for. */
export function narrowSettings(plan: SettingsPlan, asked: Omit<PlanOptions, 'delay'>): SettingsPlan {
  return { ...plan, levels: narrowLevels(plan.levels, asked), rounds: asked.rounds ?? plan.rounds };
}

/** The same for a setting that shows only in a while: rounds three times as long, and half as many. */
export function slowly({ levels, rounds, roundSeconds }: SettingsPlan): SettingsPlan {
  return {
    levels: levels.map(({ inFlight, jobs }) => ({ inFlight, jobs: 3 * jobs })),
    rounds: Math.ceil(rounds / 2),
    roundSeconds: 3 * roundSeconds,
  };
}
