// One process among several on a store; run with the built code: node store-child.js MODE URL
const { once } = require('node:events');
const { writeSync } = require('node:fs');
const { createInterface } = require('node:readline');
const { DatabaseSync } = require('@photostructure/sqlite');
const { openStore } = require('../../dist/store/open.js');

const [mode, url] = process.argv.slice(2);
// synchronous: a line that was said is out before the process can die
const say = (line) => writeSync(1, `${line}\n`);

function jobOf(key, owner) {
  return {
    key,
    task: 'enrich',
    status: 'IN_PROGRESS',
    token: 1,
    calls: [],
    attempts: 1,
    input: { json: JSON.stringify(owner) },
    usage: null,
    cost_usd: null,
    created_at: 1000,
    updated_at: 1000,
  };
}

const modes = {
  /** Opens the store and says its id. */
  async open() {
    const store = await openStore(url);
    say(store.id);
    await store.close();
  },

  /** For each line that it is told, claims ten jobs of that name at once; says which it won, then `done`. */
  async race() {
    const store = await openStore(url);
    say('ready');
    const claim = async (key) => {
      const won = await store.update(key, (job) =>
        job ? { returns: false } : { returns: true, job: jobOf(key, process.pid) },
      );
      if (won) say(key);
    };
    for await (const name of createInterface(process.stdin)) {
      await Promise.all(Array.from({ length: 10 }, (_, i) => claim(`${name}-${i}`)));
      say('done');
    }
    await store.close();
  },

  /** Writes rows with a blob each, for ever, and says each that was acknowledged. */
  async write() {
    const store = await openStore(url);
    for (let i = 0; ; i++) {
      const key = `job-${i}`;
      await store.update(key, () => ({
        returns: 0,
        job: jobOf(key, i),
        blobs: { input: `text ${i}`.repeat(2000) },
      }));
      say(key);
    }
  },

  /** Settles each job that it is told. */
  async settle() {
    const store = await openStore(url);
    for await (const key of createInterface(process.stdin)) {
      await store.update(key, (_, now) => ({
        returns: 0,
        job: { ...jobOf(key, 0), status: 'COMPLETED', updated_at: now },
      }));
    }
    await store.close();
  },

  /** Holds the write lock of a SQLite file until it is told to let go. */
  async hold() {
    // whoever writes just now is soon done
    const db = new DatabaseSync(url.slice('sqlite:'.length), { timeout: 5000 });
    db.exec('BEGIN IMMEDIATE');
    say('held');
    await once(process.stdin, 'data');
    db.exec('ROLLBACK');
    db.close();
    process.stdin.destroy();
  },
};

modes[mode]();
