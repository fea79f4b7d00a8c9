import { DatabaseSync } from '@photostructure/sqlite';
import { identifyInput } from '../../src/digest';
import { claim } from '../../src/once/rules/claim';
import { complete } from '../../src/once/rules/settle';
import { submit } from '../../src/once/rules/submit';
import { encodeRow } from '../../src/store/row';
import { openSqliteStore } from '../../src/store/sqlite';
import { prepareStatements } from '../../src/store/sqlite-statements';
import type { Decide, StoredJob } from '../../src/store/store';

const TASK = 'enrich';
const AT_ONCE = 10_000;

/** The nth job of a bench, as a client submits it; inputs are as long as a film's title and plot. */
export function jobAt(n: number) {
  const input = {
    title: `Film ${n} (19${String(n % 100).padStart(2, '0')})`,
    description: 'plot '.repeat(40),
  };
  return { job_id: `film-${n}`, task: TASK, input };
}

/** The decisions over a job's life, in their order: submitted, claimed, answered. */
export function lifeOf({ job_id: key, task, input }: ReturnType<typeof jobAt>): Decide<unknown>[] {
  const identity = identifyInput(key, task, input);
  const seed = { key, task, task_version: '1', ...identity };
  const call_id = `${key}-call`;
  const claimed = { call_id, token: 2, input_digest: identity.input_digest };
  return [
    submit(seed),
    claim({ seed, permit: undefined, call_id, lease_ms: 15_000 }),
    complete(claimed, {
      kind: 'answered',
      result: { normalized_title: input.title, category: 'Drama' },
      usage: { input_tokens: 120, cached_tokens: 0, output_tokens: 24, reasoning_tokens: 0 },
      cost_usd: 0.000_12,
      model: 'gpt-6-luna',
      request_id: `req-${key}`,
    }),
  ];
}

function completedRow(n: number): StoredJob {
  let row: StoredJob | null = null;
  for (const decide of lifeOf(jobAt(n))) row = decide(row, Date.now()).job ?? row;
  return row!;
}

/**
 * Puts the completed records of jobs `from` to `to` (excluded) into a SQLite store, by its own tables and statements
 * but many a transaction and without a wait for the disk: a million would else take minutes.
 */
export async function fillStore(file: string, from: number, to: number): Promise<void> {
  await (await openSqliteStore(file)).close();
  const db = new DatabaseSync(file);
  try {
    db.exec('PRAGMA synchronous = OFF');
    const { begin, commit, writeRow, emptyLog } = prepareStatements(db);
    for (let at = from; at < to; at += AT_ONCE) {
      begin.run();
      for (let n = at; n < Math.min(to, at + AT_ONCE); n += 1) {
        const row = completedRow(n);
        writeRow.run(encodeRow(row.key, row));
      }
      commit.run();
    }
    emptyLog.get();
  } finally {
    db.close();
  }
}
