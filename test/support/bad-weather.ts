import { setTimeout as delay } from 'node:timers/promises';
import type { Rng } from '../sim/rng';
import type { Gate } from './gate';

const LONGEST_FAIR_MS = 1_500;
const LONGEST_FOUL_MS = 400;

/**
 * Troubles the way to a server until it is told to end: for a random while replies are swallowed, so that what was
 * sent is done and nobody hears of it; or nothing gets through; then all connections are reset.
 *
 * @returns what ends it and opens the way for good; resolves with how often it was foul
 */
export function makeBadWeather(gate: Gate, rng: Rng): () => Promise<number> {
  let isOver = false;
  const blow = async () => {
    let times = 0;
    for (; !isOver; times += 1) {
      // no wait for a state: the moments are what is drawn here
      await delay(rng.next() * LONGEST_FAIR_MS);
      if (rng.next() < 0.6) gate.swallowReplies();
      else gate.hold();
      await delay(rng.next() * LONGEST_FOUL_MS);
      gate.cut();
      gate.open();
    }
    return times;
  };
  const blown = blow();
  return () => {
    isOver = true;
    return blown;
  };
}
