import { randomUUID } from 'node:crypto';
import { JobClient } from '../../src/client';
import { openStore } from '../../src/store/open';
import type { Decide } from '../../src/store/store';
import { percentile } from '../report/statistics';
import { jobAt, lifeOf } from './records';

/** What one call costs. */
export interface Cost {
  p50Ms: number;
  p99Ms: number;
  /** Processor time, user and system. */
  cpuMs: number;
}

/** What a job costs at so many stored records. */
export interface StoredCost {
  records: number;
  /** `JobClient.run` of a job that is completed. */
  duplicate: Cost;
  /** One durable write of a fresh job's three (submitted, claimed, answered). */
  write: Cost;
}

const DUPLICATES = 20_000;
const FRESH = 300;

/** Measures on a store in which jobs 0 to `records` (excluded) are completed. */
export async function measureStored(file: string, records: number): Promise<StoredCost> {
  const store = await openStore(`sqlite:${file}`);
  try {
    // a completed duplicate never asks Temporal: there is none
    const jobs = new JobClient({ client: { options: {} } as never, store });
    const anyJob = () => jobAt(Math.floor(Math.random() * records));
    const duplicate = await measure(DUPLICATES, async () => {
      const { replayed } = await jobs.run(anyJob());
      if (!replayed) throw new Error('A duplicate was taken for a fresh job; the store is not filled.');
    });
    // ids that the store has not seen: it would else write nothing
    const round = randomUUID();
    const writes = Array.from({ length: FRESH }, (_, n) => {
      const job = { ...jobAt(n), job_id: `fresh-${round}-${n}` };
      return lifeOf(job).map((decide) => () => store.update(job.job_id, written(decide)));
    }).flat();
    const write = await measure(writes.length, (n) => writes[n]!());
    return { records, duplicate, write };
  } finally {
    await store.close();
  }
}

/** The decision, but not one that leaves the row as it was: that costs no write, and would be measured as one. */
export function written<T>(decide: Decide<T>): Decide<T> {
  return (job, now) => {
    const change = decide(job, now);
    if (!change.job) throw new Error('A fresh job was not written; what was measured is no write.');
    return change;
  };
}

async function measure(times: number, act: (n: number) => Promise<unknown>): Promise<Cost> {
  const took: number[] = [];
  const before = process.cpuUsage();
  for (let n = 0; n < times; n += 1) {
    const began = performance.now();
    await act(n);
    took.push(performance.now() - began);
  }
  const { user, system } = process.cpuUsage(before);
  const [p50Ms, p99Ms] = [percentile(took, 0.5), percentile(took, 0.99)];
  return { p50Ms, p99Ms, cpuMs: (user + system) / 1000 / times };
}
