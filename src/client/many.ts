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
  const ended: ManyAnswer<T>[] = [];
  /** Begun and not yet yielded. */
  let held = 0;
  let wake = () => {};
  const begin = (item: I, index: number) => {
    held += 1;
    void answer(item, index, act).then((one) => {
      ended.push(one);
      wake();
    });
  };
  // no race among those that run: each would leave a note with the slowest, which a million then fill the memory with
  const takeFirst = async () => {
    while (ended.length === 0) {
      await new Promise<void>((woken) => {
        wake = woken;
      });
    }
    held -= 1;
    return ended.shift()!;
  };
  let index = 0;
  for await (const item of items) {
    begin(item, index);
    index += 1;
    if (held >= concurrency) yield await takeFirst();
  }
  while (held > 0) yield await takeFirst();
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
