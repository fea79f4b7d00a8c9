import { execFileSync } from 'node:child_process';
import { claim } from '../../src/once/rules/claim';
import { complete } from '../../src/once/rules/settle';
import { submit } from '../../src/once/rules/submit';
import { encodeRow } from '../../src/store/row';
import type { ListFilter, ResultStore } from '../../src/store/store';
import { median } from '../report/statistics';
import type { Backend } from './backends';
import { ANSWER, runJob, seedOf } from './jobs';

const TEMPLATE = 'template';
/** Requests of one kind in a round: writes and looks, and pages of a list. */
const WRITES = 100;
const PAGES = 20;
/** More rounds than there are. */
const ELSEWHERE = 1_000;
/** Some of the jobs have a tenant, most have none. */
const WITH_TENANT = 10;

/** The key of a record that was grown, by its number. */
const keyOf = (n: number) => `${n % WITH_TENANT === 0 ? 'acme/' : ''}old-${n}`;

/** The nth of numbers that lie all over the records, so that what is asked for is seldom in a cache. */
const spread = (n: number, records: number) => (n * 611_953) % records;

/** A store with so many records. */
export interface Grown {
  backend: Backend;
  records: number;
}

/** Fills a store up to so many records of completed jobs, copies of a real one: by one statement, in a minute or two. */
export async function growTo(backend: Backend, records: number): Promise<void> {
  const has = await countRows(backend.store);
  if (has === 0) await runJob(backend.store, TEMPLATE);
  const { job } = await backend.store.read(TEMPLATE);
  const row = encodeRow(TEMPLATE, job!);
  const isPostgres = backend.name === 'postgres';
  const table = tableOf(backend);
  const numbers = isPostgres
    ? `generate_series(${has}, ${records - 1}) AS n`
    : `(WITH RECURSIVE s(n) AS (VALUES (${has}) UNION ALL SELECT n + 1 FROM s WHERE n < ${records - 1}) SELECT n FROM s)`;
  const tenant = `CASE WHEN n % ${WITH_TENANT} = 0 THEN 'acme' END`;
  const key = `CASE WHEN n % ${WITH_TENANT} = 0 THEN 'acme/old-' ELSE 'old-' END || n`;
  const doc = `replace('${row.doc.replaceAll("'", "''")}', '"${TEMPLATE}"', '"' || ${key} || '"')`;
  await backend.sql(`
    INSERT INTO ${table} (key, task, status, tenant, created_at, updated_at, attempts, input_tokens, output_tokens,
      cost_usd, doc)
    SELECT ${key}, '${row.task}', '${row.status}', ${tenant}, ${row.created_at} - n, ${row.updated_at} - n,
      ${row.attempts}, ${row.input_tokens}, ${row.output_tokens}, ${row.cost_usd}, ${doc}
    FROM ${numbers}`);
  // as a server does by itself that is left alone for a minute, and a file with its next writes
  const tidy = isPostgres ? [`VACUUM ANALYZE ${table}`, 'CHECKPOINT'] : ['PRAGMA wal_checkpoint(TRUNCATE)'];
  for (const statement of tidy) await backend.sql(statement);
  // and as a disk is that has written them: what is measured next would share it with gigabytes
  execFileSync('sync');
}

async function countRows(store: ResultStore): Promise<number> {
  return (await store.stats()).reduce((sum, { jobs }) => sum + jobs, 0);
}

/** By what was asked: the median of a round, in ms. */
export type Times = Record<string, number>;

const LISTS: Record<string, ListFilter> = {
  list: {},
  'list, no tenant': { tenant: null },
  'list, a tenant': { tenant: 'acme' },
  'list, completed': { status: 'COMPLETED', tenant: null },
  'list, in doubt (none)': { status: 'IN_DOUBT', tenant: null },
  'list, a task in doubt (none)': { status: 'IN_DOUBT', task: 'enrich', tenant: null },
  'list, a tenant in doubt (none)': { status: 'IN_DOUBT', tenant: 'acme' },
  'list, another task (none)': { task: 'prompt', tenant: null },
};

/** A round: one request after the other on a store that does nothing else. */
export async function measureRound({ backend, records }: Grown, round: number): Promise<Times> {
  const { store } = backend;
  const times: Times = {};
  const measure = async (name: string, repeats: number, ask: (n: number) => Promise<unknown>) => {
    times[name] = median(await timesOf(repeats, ask));
  };
  const numberOf = (n: number) => spread(n + round * WRITES, records);
  const key = (n: number) => `old-${numberOf(n)}-new-${round}-${n}`;
  const seed = (n: number) => seedOf(key(n));
  const claimed = (n: number) => ({ call_id: `call-${n}`, token: 2, input_digest: seed(n).input_digest });
  await measure('submit', WRITES, (n) => store.update(key(n), submit(seed(n))));
  await measure('claim', WRITES, (n) =>
    store.update(key(n), claim({ seed: seed(n), permit: undefined, call_id: `call-${n}`, lease_ms: 15_000 })),
  );
  await measure('settle', WRITES, (n) => store.update(key(n), complete(claimed(n), ANSWER)));
  // not beside those that were just written
  const elsewhere = (n: number) => spread(n + (round + ELSEWHERE) * WRITES, records);
  await measure('get', WRITES, (n) => store.read(keyOf(elsewhere(n))));
  for (const [name, filter] of Object.entries(LISTS)) await measure(name, PAGES, () => store.list(filter));
  const page = await store.list({ limit: 500 });
  await measure('list, a later page', PAGES, () => store.list({ cursor: page.cursor }));
  await eraseNew(backend);
  return times;
}

/** Erases what the rounds so far have written, so that the store has as many records as before. */
async function eraseNew(backend: Backend): Promise<void> {
  await backend.sql(`DELETE FROM ${tableOf(backend)} WHERE key LIKE 'old-%-new-%'`);
}

const tableOf = ({ name }: Backend) => (name === 'postgres' ? 'infer_once.jobs' : 'jobs');

/** How long `stats` takes, which reads every record, in ms: the median of three. */
export async function measureStats(store: ResultStore): Promise<number> {
  return median(await timesOf(3, () => store.stats()));
}

async function timesOf(repeats: number, ask: (n: number) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; n < repeats; n += 1) {
    const began = performance.now();
    await ask(n);
    taken.push(performance.now() - began);
  }
  return taken;
}
