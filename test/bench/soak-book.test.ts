import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Book } from '../../bench/soak/book';
import { LedgerReader } from '../../bench/soak/ledger';
import { openMemoryStore } from '../../src/store/memory';
import type { ResultStore } from '../../src/store/store';
import { fullJob } from '../support/stored-job';

let folder: string;
let ledger: string;
let store: ResultStore;
let book: Book;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'soak-book-'));
  ledger = join(folder, 'ledger.jsonl');
  store = openMemoryStore();
  book = new Book(store, new LedgerReader(ledger));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A job that is completed, and was acknowledged to somebody. */
async function completed(job: string): Promise<void> {
  book.hasBegun(job);
  await store.update(job, () => ({ returns: null, job: { ...fullJob(job), decisions: [] } }));
  book.note({ type: 'acknowledged', job, by: 'ann' });
  book.hasEnded(job);
}

const line = (job_id: string | null, call: string) =>
  `${JSON.stringify({ phase: 'billed', job_id, call, idempotency_key: null })}\n`;
const pay = (job_id: string | null, call: string) => appendFileSync(ledger, line(job_id, call));
const broken = () => book.violations.map(({ promise, job }) => [promise, job]);

test('a job that was called once keeps its promises, and one that was called twice does not', async () => {
  pay('good', 'c1');
  pay('bad', 'c2');
  pay('bad', 'c3');
  await completed('good');
  await completed('bad');
  await book.check();
  expect(broken()).toEqual([['one call', 'bad']]);
  expect(book.sums).toMatchObject({ jobs: 2, completed: 2, billed: 3 });
});

test('a call that comes after its job was checked and struck off is told all the same', async () => {
  pay('late', 'c1');
  await completed('late');
  await book.check();
  expect(broken()).toEqual([]);
  pay('late', 'c2');
  await book.check();
  expect(broken()).toEqual([['one call', 'late']]);
});

test('a call of a job that nobody asked for is told', async () => {
  pay('stranger', 'c1');
  await book.check();
  expect(broken()).toEqual([['one call', 'stranger']]);
});

test('a job that is asked for again after it was struck off is counted once', async () => {
  pay('old', 'c1');
  await completed('old');
  await book.check();
  book.note({ type: 'acknowledged', job: 'old', by: 'ben' });
  book.hasEnded('old');
  await book.check();
  expect(broken()).toEqual([]);
  expect(book.sums).toMatchObject({ jobs: 1, completed: 1, billed: 1 });
});

test('a call of nobody, and a job that was acknowledged and is lost, are told', async () => {
  pay(null, 'c1');
  book.hasBegun('lost');
  book.note({ type: 'acknowledged', job: 'lost', by: 'ann' });
  await book.check({ all: true });
  expect(broken()).toEqual([
    ['one call', null],
    ['nothing lost', 'lost'],
  ]);
});

test('a ledger is read on from where it was read to, and a line that is not whole waits for its end', async () => {
  const reader = new LedgerReader(ledger);
  expect(reader.next()).toEqual([]);
  const whole = line('größe', 'c1');
  const bytes = Buffer.from(whole);
  const cut = bytes.indexOf('ö') + 1;
  appendFileSync(ledger, bytes.subarray(0, cut));
  expect(reader.next()).toEqual([]);
  appendFileSync(ledger, bytes.subarray(cut));
  expect(reader.next()).toEqual([{ job: 'größe', call: 'c1' }]);
  expect(reader.next()).toEqual([]);
});
