import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { resumeResponses } from './create-response';
import { openLedger } from './ledger';
import { RuleBook } from './rules';
import { createOfflineServer } from './server';
import { StoredCompletions } from './stored-completions';
import { StoredResponses } from './stored-responses';
import { Traffic } from './traffic';

const USAGE =
  'Usage: node dist/dev/offline/main.js --ledger FILE [--store FILE] [--port 0] [--delay MS] [--api-key KEY] [--with-parent]';

/** Runs the offline model until SIGTERM or SIGINT, or until the parent ends where `--with-parent` is given. */
async function main(): Promise<void> {
  const options = readOptions();
  const ledger = await openLedger(options.ledger);
  const stored = await StoredCompletions.open(options.store);
  const traffic = new Traffic();
  const responses = await StoredResponses.open(`${options.store}.responses`);
  traffic.setStored(stored.size + responses.size);
  const parts = { ledger, stored, responses, traffic, rules: new RuleBook(), delayMs: options.delayMs };
  resumeResponses(parts, options.ledger);
  const server = createOfflineServer(parts, options.apiKey);
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  process.stderr.write(`The offline model, a stand-in that follows plain rules, answers at ${url}.\n`);
  process.stdout.write(`ready ${url}\n`);

  await toldToEnd(options.withParent);
  server.close();
  server.closeAllConnections();
  await Promise.all([ledger.close(), stored.close(), responses.close()]);
  process.exit(0);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      ledger: { type: 'string' },
      store: { type: 'string' },
      port: { type: 'string', default: '0' },
      delay: { type: 'string', default: '0' },
      'api-key': { type: 'string' },
      'with-parent': { type: 'boolean', default: false },
    },
  });
  if (!values.ledger) throw new TypeError('--ledger is missing.');
  return {
    ledger: values.ledger,
    store: values.store ?? `${values.ledger}.completions`,
    port: wholeNumber('--port', values.port, 65_535),
    delayMs: wholeNumber('--delay', values.delay, 2_147_483_647),
    apiKey: values['api-key'],
    withParent: values['with-parent'],
  };
}

function wholeNumber(name: string, text: string, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > most)
    throw new TypeError(`${name} must be a whole number from 0 to ${most}.`);
  return value;
}

/** Standard input is a pipe from the parent: it ends when the parent dies, even by SIGKILL. */
async function toldToEnd(withParent: boolean): Promise<void> {
  const signals = [once(process, 'SIGTERM'), once(process, 'SIGINT')];
  await Promise.race(withParent ? [...signals, once(process.stdin.resume(), 'close')] : signals);
}

main().catch((error: NodeJS.ErrnoException) => {
  const inUse = error.code === 'EADDRINUSE';
  const usage = error instanceof TypeError ? `\n${USAGE}` : '';
  const why = inUse ? 'its port is in use; give another with --port.' : error.message;
  process.stderr.write(`The offline model can't start: ${why}${usage}\n`);
  process.exit(2);
});
