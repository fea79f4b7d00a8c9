import { createHash } from 'node:crypto';

/** A statement; one with a name is planned once a session, which halves what the server spends on a job. */
export interface Statement {
  text: string;
  name?: string;
}

/** A statement with a name that says its text: a session behind a pooler may be shared with a process of another version. */
export function planned(text: string): Statement {
  return { text, name: `ionc_${createHash('sha256').update(text).digest('hex').slice(0, 16)}` };
}

/**
 * Options of a session of our own: else what is planned while the table is small reads all of it, and goes on to where
 * the table has grown.
 */
export const PREFER_INDEXES = '-c random_page_cost=1.1';

const ROW = 'job.key, job.status, job.doc, job.revision::text';
const NOW = 'floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now';

/** The row of a job, the revision that a write of it is conditional on, and the server's clock: always one row. */
const LOOK = planned(`
  SELECT ${NOW}, ${ROW} FROM (SELECT 1) AS one LEFT JOIN infer_once.jobs AS job ON job.key = $1`);

/**
 * The same of several, in the order of their keys. Those for several are planned each time, for as many as there are and
 * the table as it is.
 */
const LOOK_AT_ALL: Statement = {
  text: `SELECT ${NOW}, ${ROW} FROM unnest($1::text[]) WITH ORDINALITY AS asked (key, place)
    LEFT JOIN infer_once.jobs AS job ON job.key = asked.key ORDER BY asked.place`,
};

/** A statement and what it is run with. */
export interface Query {
  statement: Statement;
  values: unknown[];
}

export function lookAt(keys: readonly string[]): Query {
  if (keys.length === 1) return { statement: LOOK, values: [keys[0]] };
  return { statement: LOOK_AT_ALL, values: [keys] };
}

export const READ_BLOB: Statement = {
  text: 'SELECT body FROM infer_once.blobs WHERE key = $1 AND name = $2',
};

/** Keys -> their rows, with the revision that a removal is conditional on. */
export const LOOK_MANY: Statement = {
  text: 'SELECT key, status, doc, revision::text FROM infer_once.jobs WHERE key = ANY ($1::text[])',
};

/**
 * Rows at these revisions, each with its blobs; one that somebody is writing is not as it was seen. One statement sees one snapshot, and a blob is written only with
 * a new revision of its row: none that is written meanwhile is left behind.
 */
export const REMOVE: Statement = {
  text: `
  WITH free AS (
    SELECT job.key, job.revision FROM unnest($1::text[], $2::bigint[]) AS seen (key, revision)
    JOIN infer_once.jobs AS job ON job.key = seen.key AND job.revision = seen.revision
    FOR UPDATE OF job SKIP LOCKED),
  gone AS (
    DELETE FROM infer_once.jobs USING free
    WHERE jobs.key = free.key AND jobs.revision = free.revision RETURNING jobs.key),
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
