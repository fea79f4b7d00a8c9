import { planned, type Query, type Statement } from './postgres-statements';
import type { JobRow } from './row';
import type { Change } from './store';

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

const NAMES = Object.keys(COLUMNS) as (keyof typeof COLUMNS)[];
const LIST = NAMES.join(', ');

/** A row to be written where nobody has come between. */
export interface RowWrite {
  row: JobRow & { revision: string };
  /** Of the row that was decided over; null = there was none. */
  revision: string | null;
}

const INSERT = `
  INSERT INTO infer_once.jobs (${LIST}) VALUES (${NAMES.map((_, index) => `$${index + 1}`).join(', ')})
  ON CONFLICT (key) DO NOTHING`;
const UPDATE = `
  UPDATE infer_once.jobs SET ${NAMES.map((name, index) => `${name} = $${index + 1}`).join(', ')}
  WHERE key = $1 AND revision = $${NAMES.length + 1}::bigint`;

/** Rows by their columns: `$1::text[], $2::text[], …`. */
const ARRAYS = Object.values(COLUMNS)
  .map((type, index) => `$${index + 1}::${type}[]`)
  .join(', ');

const INSERT_ALL = `
  INSERT INTO infer_once.jobs (${LIST}) SELECT * FROM unnest(${ARRAYS}) AS next (${LIST})
  ON CONFLICT (key) DO NOTHING`;

/** Who meets a row that somebody else holds does not wait for it: the others would wait, too. */
const UPDATE_ALL = `
  WITH free AS (
    SELECT next.* FROM unnest(${ARRAYS}, $${NAMES.length + 1}::bigint[]) AS next (${LIST}, seen)
    JOIN infer_once.jobs AS job ON job.key = next.key AND job.revision = next.seen
    FOR NO KEY UPDATE OF job SKIP LOCKED)
  UPDATE infer_once.jobs SET ${NAMES.map((name) => `${name} = free.${name}`).join(', ')}
  FROM free WHERE jobs.key = free.key AND jobs.revision = free.seen`;

/**
 * A server that is set to acknowledge before a commit is on its disk is not believed for this transaction;
 * one that waits for its standbys, too, stays so.
 */
const DURABLE = `CASE WHEN current_setting('synchronous_commit') = 'off'
  THEN set_config('synchronous_commit', 'local', true) END`;

const WRITTEN = `RETURNING jobs.revision::text, ${DURABLE}`;
const FIRST = planned(`${INSERT} ${WRITTEN}`);
const NEXT = planned(`${UPDATE} ${WRITTEN}`);
const FIRST_ALL: Statement = { text: `${INSERT_ALL} ${WRITTEN}` };
const NEXT_ALL: Statement = { text: `${UPDATE_ALL} ${WRITTEN}` };

/** Writes a row without blobs where nobody has come between, and gives its revision then; one commit. */
export function writeRow({ row, revision }: RowWrite): Query {
  const values: unknown[] = NAMES.map((name) => row[name]);
  if (revision === null) return { statement: FIRST, values };
  return { statement: NEXT, values: [...values, revision] };
}

/**
 * The same of several, all of which are first ones, or none. A revision that is missing: another writer has come between,
 * or is at that row now.
 */
export function writeRows(writes: readonly RowWrite[]): Query {
  const values: unknown[] = NAMES.map((name) => writes.map(({ row }) => row[name]));
  if (writes[0]!.revision === null) return { statement: FIRST_ALL, values };
  return { statement: NEXT_ALL, values: [...values, writes.map(({ revision }) => revision)] };
}

/**
 * The one statement of a write with blobs, hence one round trip and one commit: the row where nobody has come
 * between, and only then its blobs. Gives the row's revision where it was written, and none where not.
 */
export function writeWithBlobs(
  write: RowWrite,
  { blobs = {}, dropBlobs = false }: Pick<Change<unknown>, 'blobs' | 'dropBlobs'>,
): Query {
  const { values } = writeRow(write);
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
