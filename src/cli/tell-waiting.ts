import type { Jobs } from '../client/jobs';
import { say } from './fail';

const FIRST_LOOK_MS = 4_000;
const LOOK_EVERY_MS = 10_000;

/**
 * Says on stderr why a job that is waited for does not get on, whenever that changes, until the returned
 * function is called. A mistyped key or a second store would else look like a slow model.
 */
export function tellWhyWaiting(jobs: Jobs, id: string): () => void {
  let told: string | null = null;
  const look = async () => {
    // a look that fails says nothing; the wait itself speaks of a part that is away
    const why = await jobs.whyWaiting(id).catch(() => null);
    if (isOver || why === null || why === told) return;
    told = why;
    say(`Job ${id} waits: ${why}`);
  };
  let isOver = false;
  let timer = setTimeout(function again() {
    void look();
    timer = setTimeout(again, LOOK_EVERY_MS);
  }, FIRST_LOOK_MS);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
