// One process among several that submit the same job; run with the built code: node submitter.js TEMPORAL_ADDRESS
// For each line of JSON { storeUrl, taskQueue, job, times } it submits the job so often at once, each time by a
// client of its own, waits for the answers, and says each: { created, token, result }, or { error }.
const { writeSync } = require('node:fs');
const { createInterface } = require('node:readline');
const { Client, Connection } = require('@temporalio/client');
const { JobClient } = require('../../dist/client/index.js');
const { openStore } = require('../../dist/store/open.js');

const say = (what) => writeSync(1, `${typeof what === 'string' ? what : JSON.stringify(what)}\n`);

async function main(address) {
  const client = new Client({ connection: await Connection.connect({ address }) });
  say('ready');
  for await (const line of createInterface(process.stdin)) {
    const { storeUrl, taskQueue, job, times } = JSON.parse(line);
    const store = await openStore(storeUrl);
    // submissions of one client that are under way at once are one
    const submit = () => new JobClient({ client, store, taskQueue }).run(job);
    const answers = await Promise.all(
      Array.from({ length: times }, () =>
        submit().then(
          ({ created, token, result }) => ({ created, token, result }),
          (error) => ({ error: error.message }),
        ),
      ),
    );
    for (const answer of answers) say(answer);
    await store.close();
  }
  await client.connection.close();
}

void main(process.argv[2]);
