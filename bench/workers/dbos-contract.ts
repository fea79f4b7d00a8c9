/** The queue and workflow of the submitter and its worker. */
export const DBOS_QUEUE = 'calls';
export const DBOS_WORKFLOW = 'call';
/** A worker takes up its own version's jobs; ours is not new code each time. */
export const DBOS_VERSION = 'bench';
/** How often queues and results are looked at. By default once a second, which would be all that one sees. */
export const POLL_MS = 50;
