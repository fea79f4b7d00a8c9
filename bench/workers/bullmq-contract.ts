/** The queue of the submitter and its worker. */
export const BULLMQ_QUEUE = 'calls';
