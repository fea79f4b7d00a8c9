import { type Command, InvalidArgumentError } from 'commander';
import { loadConfig } from '../../config';
import { ConfigError } from '../../errors';
import { type KeyEntry, type KeyLimits, makeKey } from '../../gateway/keys/key';
import { changeKeysFile, readKeysFile } from '../../gateway/keys/keys-file';
import { isTenant } from '../../job';
import { say } from '../fail';
import { addEpilogue, wholeNumberOption } from '../help';
import { formatTable, isForPeople, printJson, printText } from '../output';

interface KeysOptions {
  file?: string;
  json?: boolean;
}

interface AddOptions extends KeysOptions {
  rps?: number;
  burst?: number;
  maxWaiting?: number;
}

/** `keys`: the gateway's API keys. */
export function addKeys(program: Command): void {
  const keys = program
    .command('keys')
    .summary("the gateway's API keys")
    .description(
      "Makes, lists and revokes the gateway's API keys. Each names a tenant, whose jobs no other tenant can reach. The file holds hashes only; a running gateway reads it again by itself.",
    );
  const add = keys.command('add').argument('<tenant>', '', tenantArgument);
  add
    .description('Makes a key for a tenant and prints it, this once.')
    .option('--rps <n>', 'how many requests a second the key may send', wholeNumberOption(1, 1_000_000))
    .option('--burst <n>', 'how many of them may come at once', wholeNumberOption(1, 1_000_000))
    .option(
      '--max-waiting <n>',
      'how many requests of its tenant may wait at once',
      wholeNumberOption(1, 1_000_000),
    )
    .action(addKey);
  const list = keys.command('list').description('Lists the keys: id, tenant, age, limits.').action(listKeys);
  const revoke = keys.command('revoke').argument('<id>').description('Revokes a key.').action(revokeKey);
  for (const command of [add, list, revoke]) {
    command.option('--file <path>', 'the keys file (default: INFER_ONCE_GATEWAY_KEYS_FILE)');
  }
  for (const command of [add, list]) command.option('--json', 'JSON on a terminal too');
  addEpilogue(add, ['infer-once keys add acme --rps 5 --burst 20'], [0, 2]);
  addEpilogue(list, ['infer-once keys list'], [0, 2]);
  addEpilogue(revoke, ['infer-once keys revoke 3f9a1c0b7d2e'], [0, 2]);
  addEpilogue(keys, ['infer-once keys add acme', 'infer-once keys list'], [0, 2]);
}

function tenantArgument(text: string): string {
  if (isTenant(text)) return text;
  throw new InvalidArgumentError('A tenant is 1 to 63 of a-z, 0-9 and -, and begins with a letter or digit.');
}

async function addKey(tenant: string, { rps, burst, maxWaiting, ...options }: AddOptions): Promise<void> {
  if (burst !== undefined && rps === undefined) throw new ConfigError('--burst needs --rps.');
  const path = findFile(options);
  const isLimited = rps !== undefined || maxWaiting !== undefined;
  const limits = isLimited ? { rps, burst, max_waiting: maxWaiting } : undefined;
  const { key, entry } = makeKey(tenant, new Date(), limits);
  await changeKeysFile(path, (entries) => void entries.set(entry.id, entry));
  if (isForPeople(options)) printText(key);
  else printJson({ key, ...publicPart(entry) });
  say(`Key ${entry.id} of tenant ${tenant} is in ${path}; it can't be shown again.`);
}

function listKeys(options: KeysOptions): void {
  const entries = [...readKeysFile(findFile(options)).values()].map(publicPart);
  if (!isForPeople(options)) {
    for (const entry of entries) printJson(entry);
    return;
  }
  const rows = entries.map(({ id, tenant, created_at, limits }) => {
    return [id, tenant, created_at, describeLimits(limits)];
  });
  printText(formatTable(['id', 'tenant', 'created', 'limit'], rows));
}

function describeLimits({ rps, burst, max_waiting }: KeyLimits = {}): string {
  const limits = [rps && `${rps}/s`, burst && `${burst} at once`, max_waiting && `${max_waiting} waiting`];
  return limits.filter(Boolean).join(', ') || '-';
}

async function revokeKey(id: string, options: KeysOptions): Promise<void> {
  const path = findFile(options);
  await changeKeysFile(path, (entries) => {
    if (!entries.delete(id)) throw new ConfigError(`There is no key ${JSON.stringify(id)} in ${path}.`);
  });
  say(`Key ${id} is revoked.`);
}

function findFile({ file }: KeysOptions): string {
  const path = file ?? loadConfig(process.env).gateway.keysFile;
  if (path) return path;
  throw new ConfigError('The keys file is not named; set INFER_ONCE_GATEWAY_KEYS_FILE or pass --file.');
}

/** The hash of a key is nobody's business. */
function publicPart({ sha256: _, ...entry }: KeyEntry): Omit<KeyEntry, 'sha256'> {
  return entry;
}
