import { createHash } from 'node:crypto';
import type { JobRow } from './row';
import type { Change } from './store';

/** A statement; one with a name is planned once a session, which halves what the server spends on a job. */
export interface Statement {
  text: string;
  name?: string;
}

/** The name says the text: a session behind a pooler may be shared with a process of another version. */
function planned(text: string): Statement {
  return { text, name: `ionc_${createHash('sha256').update(text).digest('hex').slice(0, 16)}` };
}

/**
 * For a session of our own: else what is planned while the table is small reads all of it, and goes on to where the
 * table has grown.
 */
export const PREFER_INDEXES = `SET random_page_cost = 1.1; SET enable_seqscan = off;
  SET enable_hashjoin = off; SET jit = off; SET enable_mergejoin = off`;

/** Rows of jobs in the order of their keys, each with the server's clock and the revision that a write of it is conditional on. */
export const LOOK = planned(`
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now,
    job.key, job.status, job.doc, job.revision::text
  FROM unnest($1::text[]) WITH ORDINALITY AS asked (key, place)
  LEFT JOIN infer_once.jobs AS job ON job.key = asked.key
  ORDER BY asked.place`);

const COLUMNS = {
  key: 'text',
  task: 'text',
  status: 'text',
  tenant: 'text',
  created_at: 'bigint',
  updated_at: 'bigint',
  attempts: 'integer',
  input_tokens: 'bigint',
  output_tokens: 'bigint',
  cost_usd: 'float8',
  doc: 'text',
  revision: 'bigint',
} as const;

type Column = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as Column[];

/** A row to be written where nobody has come between. */
export interface RowWrite {
  row: JobRow & { revision: string };
  /** Of the row that was decided over; null = there was none. */
  revision: string | null;
}

/** `$1::text[], $2::text[], …`: a column of the rows to be written is a parameter. */
const ARRAYS = Object.values(COLUMNS).map((type, index) => `$${index + 1}::${type}[]`);
const SEEN = `$${NAMES.length + 1}::bigint[]`;

const INSERT = `
  INSERT INTO infer_once.jobs (${NAMES.join(', ')})
  SELECT * FROM unnest(${ARRAYS.join(', ')}) AS next (${NAMES.join(', ')})
  ON CONFLICT (key) DO NOTHING`;

const UPDATE = `
  UPDATE infer_once.jobs
  SET ${NAMES.map((name) => `${name} = next.${name}`).join(', ')}
  FROM unnest(${ARRAYS.join(', ')}, ${SEEN}) AS next (${NAMES.join(', ')}, seen)
  WHERE jobs.key = next.key AND jobs.revision = next.seen`;

/**
 * A server that is set to acknowledge before a commit is on its disk is not believed for this transaction;
 * one that waits for its standbys, too, stays so.
 */
const DURABLE = `CASE WHEN current_setting('synchronous_commit') = 'off'
  THEN set_config('synchronous_commit', 'local', true) END`;

/** First rows of jobs, and next ones, without blobs. Gives the revisions of those that were written. */
const FIRST = planned(`${INSERT} RETURNING jobs.revision::text, ${DURABLE}`);
const NEXT = planned(`${UPDATE} RETURNING jobs.revision::text, ${DURABLE}`);

/** The statement that writes rows, all of which are first ones, or none; one commit. */
export function writeRows(writes: readonly RowWrite[]): { statement: Statement; values: unknown[] } {
  const isFirst = writes[0]!.revision === null;
  const values: unknown[] = NAMES.map((name) => writes.map(({ row }) => row[name]));
  if (!isFirst) values.push(writes.map(({ revision }) => revision));
  return { statement: isFirst ? FIRST : NEXT, values };
}

/**
 * The one statement of a write with blobs, hence one round trip and one commit: the row where nobody has come
 * between, and only then its blobs. Gives the row's revision where it was written, and none where not.
 */
export function writeWithBlobs(
  write: RowWrite,
  { blobs = {}, dropBlobs = false }: Pick<Change<unknown>, 'blobs' | 'dropBlobs'>,
): { statement: Statement; values: unknown[] } {
  const { values } = writeRows([write]);
  const put = (value: unknown) => `$${values.push(value)}`;
  const names = Object.keys(blobs);
  const parts = [`won AS (${write.revision === null ? INSERT : UPDATE} RETURNING jobs.key, jobs.revision)`];
  if (dropBlobs) {
    parts.push(`dropped AS (DELETE FROM infer_once.blobs USING won
      WHERE blobs.key = won.key AND blobs.name <> ALL (${put(names)}::text[]))`);
  }
  if (names.length > 0) {
    const bodies = Object.values(blobs).map((body) => Buffer.from(body));
    parts.push(`put AS (INSERT INTO infer_once.blobs (key, name, body)
      SELECT won.key, blob.name, blob.body
      FROM won, unnest(${put(names)}::text[], ${put(bodies)}::bytea[]) AS blob (name, body)
      ON CONFLICT (key, name) DO UPDATE SET body = excluded.body)`);
  }
  const text = `WITH ${parts.join(',\n')} SELECT won.revision::text, ${DURABLE} FROM won`;
  return { statement: { text }, values };
}

export const READ_BLOB: Statement = {
  text: 'SELECT body FROM infer_once.blobs WHERE key = $1 AND name = $2',
};

/** Keys -> their rows, with the revision that a removal is conditional on. */
export const LOOK_MANY: Statement = {
  text: 'SELECT key, status, doc, revision::text FROM infer_once.jobs WHERE key = ANY ($1::text[])',
};

/**
 * Rows at these revisions, each with its blobs. One statement sees one snapshot, and a blob is written only with
 * a new revision of its row: none that is written meanwhile is left behind.
 */
export const REMOVE: Statement = {
  text: `
  WITH gone AS (
    DELETE FROM infer_once.jobs USING unnest($1::text[], $2::bigint[]) AS seen (key, revision)
    WHERE jobs.key = seen.key AND jobs.revision = seen.revision RETURNING jobs.key),
  dropped AS (DELETE FROM infer_once.blobs USING gone WHERE blobs.key = gone.key)
  SELECT count(*)::int AS removed FROM gone`,
};

export const STATS: Statement = {
  text: `
  SELECT task, to_char(to_timestamp(created_at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, status,
    count(*)::float8 AS jobs, sum(attempts)::float8 AS attempts,
    coalesce(sum(input_tokens), 0)::float8 AS input_tokens,
    coalesce(sum(output_tokens), 0)::float8 AS output_tokens, sum(cost_usd) AS cost_usd,
    (count(*) FILTER (WHERE attempts > 0 AND cost_usd IS NULL))::float8 AS unpriced
  FROM infer_once.jobs WHERE $1::boolean OR tenant IS NOT DISTINCT FROM $2::text
  GROUP BY task, day, status`,
};

/** `?` after `?` becomes `$1`, `$2`, …; no statement of ours has a `?` of another meaning. */
export function numbered(sql: string): Statement {
  let count = 0;
  return { text: sql.replace(/\?/g, () => `$${++count}`) };
}
