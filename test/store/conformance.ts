import type { ResultStore } from '../../src/store/store';
import { describeLists } from './conformance-lists';
import { describeProtocol } from './conformance-protocol';
import { describeRows } from './conformance-rows';

/** A fresh, empty store and what the suite does to it. */
export interface StoreUnderTest {
  store: ResultStore;
  /** Lets the store's clock run ahead of this process's by so many ms more. */
  advance(ms: number): void | Promise<void>;
  /** Closes the store and opens the same one again; absent where nothing outlives a close. */
  reopen?(): Promise<ResultStore>;
  /** Closes the store and removes what is left of it. */
  cleanup(): void | Promise<void>;
}

/** Gives the store of the running test, opened before it and removed after it. */
export type Current = () => StoreUnderTest;

/**
 * The suite that every backend passes.
 *
 * @example
 * describeStore('memory', async () => ({ store: openMemoryStore(), advance, cleanup }));
 */
export function describeStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`the ${name} store`, () => {
    let current: StoreUnderTest;
    beforeEach(async () => {
      current = await open();
    });
    afterEach(() => current.cleanup());

    describeRows(() => current, open);
    describeLists(() => current);
    describeProtocol(() => current);
  });
}
