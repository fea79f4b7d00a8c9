import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listQuery } from '../../src/store/list-query';
import { openSqliteStore } from '../../src/store/sqlite';
import type { ListFilter } from '../../src/store/store';
import { withDatabase } from '../support/sqlite-file';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'list-query-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each<[string, ListFilter]>([
  ['jobs_by_status', { status: 'IN_DOUBT', task: 'enrich' }],
  ['jobs_by_status', { status: 'IN_DOUBT', tenant: 'acme' }],
  ['jobs_by_status', { status: 'FAILED', task: 'enrich', tenant: null }],
  ['jobs_by_status', { status: 'COMPLETED' }],
  ['jobs_by_tenant', { status: 'COMPLETED', tenant: 'acme' }],
  ['jobs_by_task', { status: 'COMPLETED', task: 'enrich' }],
  ['jobs_by_tenant', { task: 'enrich', tenant: 'acme' }],
  ['jobs_by_change', {}],
])(
  'SQLite finds a page by %s for %j, whatever else is asked for: few jobs are not searched for among all',
  async (index, filter) => {
    const file = join(folder, 'store.db');
    await (await openSqliteStore(file)).close();
    const { sql, values } = listQuery('jobs', filter, null, 101, true);
    const plan = withDatabase(file, (db) => db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values)) as {
      detail: string;
    }[];
    // and in its order: nothing is sorted
    expect(plan.map(({ detail }) => detail)).toEqual([expect.stringContaining(`USING INDEX ${index}`)]);
  },
);
