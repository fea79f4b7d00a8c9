import DataLoader from 'dataloader';

/** How many batches of one kind are under way at once: who comes meanwhile travels in the next. */
const AT_ONCE = 2;
/** How many requests one batch has. */
const MOST = 64;

/**
 * Asks a server for many things by one statement. A request that comes while few are under way goes at once; the
 * others gather until one of those is back, so the busier a process is, the less each request costs.
 *
 * @param ask - answers, or an Error in place of an answer, in the order of the requests; a rejection is for all
 *
 * @example
 * const look = inBatches((keys: readonly string[]) => rowsOf(keys));
 * const row = await look('film-1');
 */
export function inBatches<Q, A>(
  ask: (requests: readonly Q[]) => Promise<(A | Error)[]>,
): (request: Q) => Promise<A> {
  let underWay = 0;
  const waiting: (() => void)[] = [];
  const loader = new DataLoader<Q, A>(
    async (requests) => {
      try {
        return await ask(requests);
      } finally {
        const next = waiting.shift();
        if (next) next();
        else underWay -= 1;
      }
    },
    {
      cache: false,
      maxBatchSize: MOST,
      batchScheduleFn(send) {
        if (underWay === AT_ONCE) {
          waiting.push(send);
          return;
        }
        underWay += 1;
        queueMicrotask(send);
      },
    },
  );
  return (request) => loader.load(request);
}
