import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { openStore } from '../../src/store/open';
import { type Child, startChild } from '../support/child';

/** One process among several on a store. */
export const STORE_CHILD = join(__dirname, '../support/store-child.js');

/** A store that any number of processes can open, empty before each test. */
export interface SharedStore {
  url: string;
  cleanup(): void | Promise<void>;
}

/** What several processes on one store may count on, whichever backend it has. */
export function describeProcesses(name: string, prepare: () => Promise<SharedStore>): void {
  describe(`several processes on ${name}`, () => {
    let current: SharedStore;
    let children: Child[] = [];

    const start = (mode: string) => {
      const child = startChild(STORE_CHILD, mode, current.url);
      children.push(child);
      return child;
    };

    beforeEach(async () => {
      current = await prepare();
    });
    afterEach(async () => {
      for (const child of children) child.process.kill('SIGKILL');
      await Promise.all(children.map((child) => child.ended));
      children = [];
      await current.cleanup();
    });

    test('ten that open a new store at once all get the same store', async () => {
      const openers = Array.from({ length: 10 }, () => start('open'));
      expect(await Promise.all(openers.map((child) => child.ended))).toEqual(Array(10).fill(0));
      const store = await openStore(current.url);
      expect(openers.flatMap((child) => child.lines)).toEqual(Array(10).fill(store.id));
      await store.close();
    });

    test('four that claim 500 jobs at once give each job one winner', async () => {
      const racers = Array.from({ length: 4 }, () => start('race'));
      await Promise.all(racers.map((child) => child.said(1)));
      // in rounds: else the first to get the lock wins all and nobody races it
      for (let round = 0; round < 50; round++) {
        const over = racers.map((child) => child.saidAgain('done'));
        for (const child of racers) child.tell(`round-${round}`);
        await Promise.all(over);
      }
      for (const child of racers) child.hush();
      expect(await Promise.all(racers.map((child) => child.ended))).toEqual([0, 0, 0, 0]);

      const wins = racers.flatMap((child) =>
        child.lines
          .filter((line) => line.startsWith('round-'))
          .map((key) => ({ key, pid: child.process.pid })),
      );
      expect(new Set(wins.map(({ key }) => key)).size).toBe(500);
      expect(wins).toHaveLength(500);
      const store = await openStore(current.url);
      for (const { key, pid } of wins) {
        expect((await store.read(key)).job?.input).toEqual({ json: String(pid) });
      }
      await store.close();
    });

    test('one that is killed in the middle of its writes loses nothing that was acknowledged', async () => {
      for (let round = 0; round < 3; round++) {
        const writer = start('write');
        await writer.said(randomInt(20, 200));
        writer.process.kill('SIGKILL');
        await writer.ended;

        const store = await openStore(current.url);
        for (const key of writer.lines) {
          expect((await store.read(key)).job?.key).toBe(key);
        }
        // the write that it died in is there with its blob, or not at all
        const last = `job-${writer.lines.length}`;
        for (const key of [...writer.lines, last]) {
          const { job } = await store.read(key);
          const blob = await store.readBlob(key, 'input');
          expect(blob).toBe(job ? `text ${key.slice(4)}`.repeat(2000) : null);
        }
        await store.close();
      }
    });
  });
}
