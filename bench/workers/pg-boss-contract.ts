/** The queue of the submitter and its worker. */
export const BOSS_QUEUE = 'calls';
