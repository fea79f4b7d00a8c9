import { ratio, table } from '../report/cells';
import { type MedianInterval, median, medianInterval } from '../report/statistics';
import type { Scope } from '../support/scope';
import type { Backend } from './backends';
import { type Grown, growTo, measureRound, measureStats, type Times } from './records';

/** The size beside which the one that was asked for is told. */
export const FEW_RECORDS = 1_000;
const ROUNDS = 12;

/** What one kind of request takes beside few records and beside many, ms, and how many times as long in the same round. */
export interface SizeResult {
  fewMs: number;
  manyMs: number;
  ratio: MedianInterval;
}

/** A store at two sizes. */
export interface Sizes {
  store: string;
  records: number;
  /** Of tables and indexes at that size. */
  bytes: number;
  requests: Record<string, SizeResult>;
  /** The one request that reads every record, ms. */
  statsMs: { few: number; many: number };
}

/**
 * Grows two stores of a kind, and asks both for the same in rounds that alternate: what slows the machine for a while
 * falls on both.
 *
 * @returns also the one that has many
 */
export async function compareSizes(
  scope: Scope,
  open: (scope: Scope) => Promise<Backend>,
  records: number,
  tell: (line: string) => void,
): Promise<{ sizes: Sizes; backend: Backend }> {
  const backends: Backend[] = [];
  for (const size of [FEW_RECORDS, records]) {
    const backend = await open(scope);
    await growTo(backend, size);
    tell(`${backend.name}: has ${size.toLocaleString('en')} records`);
    backends.push(backend);
  }
  const [few, many] = backends as [Backend, Backend];
  const statsMs = { few: await measureStats(few.store), many: await measureStats(many.store) };
  const requests = await alternate({ backend: few, records: FEW_RECORDS }, { backend: many, records });
  return {
    sizes: { store: many.name, records, bytes: await many.bytes(), requests, statsMs },
    backend: many,
  };
}

async function alternate(few: Grown, many: Grown): Promise<Record<string, SizeResult>> {
  const rounds: { few: Times; many: Times }[] = [];
  // one round that does not count: code is compiled, caches are filled
  for (let round = 0; round <= ROUNDS; round += 1) {
    const first = await measureRound(round % 2 === 0 ? few : many, round);
    const second = await measureRound(round % 2 === 0 ? many : few, round);
    if (round > 0) rounds.push(round % 2 === 0 ? { few: first, many: second } : { few: second, many: first });
  }
  const requests = Object.keys(rounds[0]!.few).map((name) => {
    const times = rounds.map((round) => ({ few: round.few[name]!, many: round.many[name]! }));
    return [
      name,
      {
        fewMs: median(times.map((time) => time.few)),
        manyMs: median(times.map((time) => time.many)),
        ratio: medianInterval(times.map((time) => time.many / time.few)),
      },
    ];
  });
  return Object.fromEntries(requests);
}

/** For people. */
export function toText({ store, records, requests, statsMs }: Sizes): string {
  const times = (value: number) => `${value.toFixed(3)} ms`;
  const rows = Object.entries(requests).map(([name, found]) => [
    name,
    times(found.fewMs),
    times(found.manyMs),
    ratio(found.ratio),
  ]);
  rows.push(['stats', times(statsMs.few), times(statsMs.many), '-']);
  const size = (n: number) => `${n.toLocaleString('en')} records`;
  return table([store, size(FEW_RECORDS), size(records), 'times as long'], rows);
}
