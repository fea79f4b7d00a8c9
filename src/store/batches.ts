import DataLoader from 'dataloader';

/** How many batches of one kind are under way at once: who comes meanwhile travels in the next. */
const AT_ONCE = 2;
/** How many requests one batch has. */
const MOST = 64;

/** Asks for several things at once: an answer for each, or an Error in its place, in their order. */
export type AskAll<Q, A> = (requests: readonly Q[]) => Promise<(A | Error)[]>;

/**
 * Asks for many things by one statement, or in one transaction. A request travels with the others of its turn of the
 * event loop, and with those that come while enough is under way: the busier a process is, the less each one costs.
 *
 * @param isOfOne - whether a failure may be for the sake of one request and nothing was done: each is then asked by
 *   itself. Any other one is for all
 *
 * @example
 * const look = inBatches((keys: readonly string[]) => rowsOf(keys), isOfOneRow);
 * const row = await look('film-1');
 */
export function inBatches<Q, A>(
  ask: AskAll<Q, A>,
  isOfOne: (error: unknown) => boolean,
): (request: Q) => Promise<A> {
  let underWay = 0;
  const waiting: (() => void)[] = [];
  const loader = new DataLoader<Q, A>(
    async (requests) => {
      try {
        return await askTogether(requests, ask, isOfOne);
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
        setImmediate(send);
      },
    },
  );
  return (request) => loader.load(request);
}

async function askTogether<Q, A>(
  requests: readonly Q[],
  ask: AskAll<Q, A>,
  isOfOne: (error: unknown) => boolean,
): Promise<(A | Error)[]> {
  try {
    return await ask(requests);
  } catch (error) {
    if (requests.length === 1 || !isOfOne(error)) throw error;
    const alone = await Promise.allSettled(requests.map((request) => ask([request])));
    return alone.map((one) => (one.status === 'fulfilled' ? one.value[0]! : (one.reason as Error)));
  }
}
