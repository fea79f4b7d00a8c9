import type { ManyAnswer } from './types';

/**
 * Runs `act` for each item, so many at once, and yields the answers as they come. Reads its input no
 * faster than it works, so that a file of any length fits in memory.
 */
export async function* forMany<I extends { job_id: string }, T>(
  items: Iterable<I> | AsyncIterable<I>,
  concurrency: number,
  act: (item: I) => Promise<T>,
): AsyncGenerator<ManyAnswer<T>> {
  const running = new Map<number, Promise<ManyAnswer<T>>>();
  let index = 0;
  for await (const item of items) {
    running.set(index, answer(item, index, act));
    index += 1;
    if (running.size >= concurrency) yield await takeFirst(running);
  }
  while (running.size > 0) yield await takeFirst(running);
}

async function takeFirst<T>(running: Map<number, Promise<ManyAnswer<T>>>): Promise<ManyAnswer<T>> {
  const done = await Promise.race(running.values());
  running.delete(done.index);
  return done;
}

async function answer<I extends { job_id: string }, T>(
  item: I,
  index: number,
  act: (item: I) => Promise<T>,
): Promise<ManyAnswer<T>> {
  const { job_id } = item;
  try {
    return { job_id, index, answer: await act(item) };
  } catch (error) {
    return { job_id, index, error: error as Error };
  }
}
