import type { Pool, QueryResultRow } from 'pg';
import { UnreachableError } from '../errors';
import { isOfAnotherSession, toPostgresFault } from './postgres-faults';
import type { Statement } from './postgres-statements';

/** Runs statements on a pool; a fault is told in words for people. */
export class PostgresQueries {
  private closing: Promise<void> | null = null;

  constructor(
    private readonly name: string,
    private readonly pool: Pool,
    /** False behind a pooler: a statement that was named there may be in another session, or another's. */
    private hasSessions: boolean,
  ) {}

  /**
   * @param key - the job that is asked about, where it is one
   * @throws UnreachableError; StoreCorruptError where the server found that job's row damaged
   */
  async run<R extends QueryResultRow>(
    { text, name }: Statement,
    values: unknown[] = [],
    key?: string,
  ): Promise<R[]> {
    if (this.closing) {
      throw new UnreachableError('store', `The store in ${this.name} is closed; open it again.`);
    }
    try {
      return (await this.pool.query<R>({ text, values, ...(this.hasSessions && name && { name }) })).rows;
    } catch (error) {
      if (!name || !isOfAnotherSession(error)) throw toPostgresFault(error, this.name, key);
      // it was not executed
      this.hasSessions = false;
      return this.run({ text }, values, key);
    }
  }

  async close(): Promise<void> {
    this.closing ??= this.pool.end();
    await this.closing;
  }
}
