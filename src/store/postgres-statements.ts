import { createHash } from 'node:crypto';

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
export const PREFER_INDEXES = 'SET random_page_cost = 1.1';

/** The row of a job, the revision that a write of it is conditional on, and the server's clock: always one row. */
export const LOOK = planned(`
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now,
    job.key, job.status, job.doc, job.revision::text
  FROM (SELECT 1) AS one LEFT JOIN infer_once.jobs AS job ON job.key = $1`);

const COLUMNS = [
  'key',
  'task',
  'status',
  'tenant',
  'created_at',
  'updated_at',
  'attempts',
  'input_tokens',
  'output_tokens',
  'cost_usd',
  'doc',
  'revision',
] as const;

const INSERT = `
  INSERT INTO infer_once.jobs (${COLUMNS.join(', ')})
  VALUES (${COLUMNS.map((_, index) => `$${index + 1}`).join(', ')})
  ON CONFLICT (key) DO NOTHING RETURNING jobs.key`;

const REVISION = `$${COLUMNS.length + 1}`;
const UPDATE = `
  UPDATE infer_once.jobs
  SET ${COLUMNS.map((column, index) => `${column} = $${index + 1}`).join(', ')}
  WHERE key = $1 AND revision = ${REVISION}::bigint RETURNING jobs.key`;

/**
 * A server that is set to acknowledge before a commit is on its disk is not believed for this transaction;
 * one that waits for its standbys, too, stays so.
 */
const DURABLE = `CASE WHEN current_setting('synchronous_commit') = 'off'
  THEN set_config('synchronous_commit', 'local', true) END`;

/** The first row of a job, and the next one, without blobs. */
const FIRST = planned(`${INSERT}, ${DURABLE}`);
const NEXT = planned(`${UPDATE}, ${DURABLE}`);

/**
 * The one statement of a write, hence one round trip and one commit: the row where nobody has come between,
 * and only then its blobs. Gives a row where it was written, and none where not.
 */
export function writeStatement(write: {
  row: Record<(typeof COLUMNS)[number], unknown>;
  /** Of the row that was decided over; null = there was none. */
  revision: string | null;
  blobs: Record<string, string>;
  dropBlobs: boolean;
}): { statement: Statement; values: unknown[] } {
  const { row, revision, blobs, dropBlobs } = write;
  const values: unknown[] = COLUMNS.map((column) => row[column]);
  if (revision !== null) values.push(revision);
  const won = revision === null ? INSERT : UPDATE;
  const names = Object.keys(blobs);
  // most writes
  if (names.length === 0 && !dropBlobs) return { statement: revision === null ? FIRST : NEXT, values };
  const parts = [`won AS (${won})`];
  const put = (value: unknown) => `$${values.push(value)}`;
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
  return { statement: { text: `WITH ${parts.join(',\n')} SELECT won.key, ${DURABLE} FROM won` }, values };
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
