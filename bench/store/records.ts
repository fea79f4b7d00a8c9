import { claim } from '../../src/once/rules/claim';
import { complete } from '../../src/once/rules/settle';
import { submit } from '../../src/once/rules/submit';
import { encodeRow } from '../../src/store/row';
import type { ListFilter, ResultStore } from '../../src/store/store';
import { percentile } from '../report/statistics';
import type { Backend } from './backends';
import { ANSWER, runJob, seedOf } from './jobs';

const TEMPLATE = 'template';
const REPEATS = 300;
/** Some of the jobs have a tenant, most have none. */
const WITH_TENANT = 10;

/** The key of a record that was grown, by its number. */
const keyOf = (n: number) => `${n % WITH_TENANT === 0 ? 'acme/' : ''}old-${n}`;

/** Fills a store up to so many records of completed jobs, copies of a real one: by one statement, in a minute or two. */
export async function growTo(backend: Backend, records: number): Promise<void> {
  const has = await countRows(backend.store);
  if (has === 0) await runJob(backend.store, TEMPLATE);
  const { job } = await backend.store.read(TEMPLATE);
  const row = encodeRow(TEMPLATE, job!);
  const isPostgres = backend.name === 'postgres';
  const table = isPostgres ? 'infer_once.jobs' : 'jobs';
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
  await backend.sql(isPostgres ? `VACUUM ANALYZE ${table}` : 'PRAGMA wal_checkpoint(TRUNCATE)');
}

async function countRows(store: ResultStore): Promise<number> {
  return (await store.stats()).reduce((sum, { jobs }) => sum + jobs, 0);
}

/** By what was asked: the median and the 99th percentile, in ms. */
export type Times = Record<string, { p50Ms: number; p99Ms: number }>;

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

/** One request after the other on a store that does nothing else. */
export async function measureTimes(store: ResultStore): Promise<Times> {
  const times: Times = {};
  const measure = async (name: string, repeats: number, ask: (n: number) => Promise<unknown>) => {
    const taken: number[] = [];
    for (let n = 0; n < repeats; n += 1) {
      const began = performance.now();
      await ask(n);
      taken.push(performance.now() - began);
    }
    times[name] = { p50Ms: percentile(taken, 0.5), p99Ms: percentile(taken, 0.99) };
  };
  const prefix = `new-${Date.now()}`;
  const key = (n: number) => `${prefix}-${n}`;
  const seed = (n: number) => seedOf(key(n));
  const claimed = (n: number) => ({ call_id: `call-${n}`, token: 2, input_digest: seed(n).input_digest });
  await measure('submit', REPEATS, (n) => store.update(key(n), submit(seed(n))));
  await measure('claim', REPEATS, (n) =>
    store.update(key(n), claim({ seed: seed(n), permit: undefined, call_id: `call-${n}`, lease_ms: 15_000 })),
  );
  await measure('settle', REPEATS, (n) => store.update(key(n), complete(claimed(n), ANSWER)));
  await measure('get', REPEATS, (n) => store.read(keyOf(n * 3 + 1)));
  for (const [name, filter] of Object.entries(LISTS)) await measure(name, 50, () => store.list(filter));
  const page = await store.list({ limit: 500 });
  await measure('list, a later page', 50, () => store.list({ cursor: page.cursor }));
  await measure('stats', 3, () => store.stats());
  return times;
}
