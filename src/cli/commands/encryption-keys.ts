import type { Command } from 'commander';
import { loadConfig } from '../../config';
import { initKeysFile, loadEncryptionKeys, rotateKeysFile } from '../../encryption/keys-file';
import { ConfigError, UserError } from '../../errors';
import { say } from '../fail';
import { addEpilogue } from '../help';
import { findPlaces } from '../places';
import { countOf } from '../record-text';

interface RotateOptions {
  stage?: boolean;
  to?: string;
}

const FILE = 'the keys file (default: INFER_ONCE_ENCRYPTION_KEYS_FILE)';

/** `encryption-keys`: the keys by which records and histories are sealed. */
export function addEncryptionKeys(program: Command): void {
  const keys = program
    .command('encryption-keys')
    .summary('the keys by which records and histories are sealed')
    .description(
      'Makes and rotates the file of keys by which inputs, results and errors are sealed in the store and in Temporal. Every worker, gateway and client needs the same file. What is sealed with a key that is lost is lost.',
    );
  const init = keys
    .command('init')
    .argument('[file]', FILE)
    .description('Makes the file, with its first key and the key of digests. Never writes over one.')
    .action((file?: string) => {
      const path = findFile(file);
      const id = initKeysFile(path);
      say(`Key ${id} is in ${path}. Keep a copy of the file in a safe place: without it nothing opens.`);
    });
  const rotate = keys
    .command('rotate')
    .argument('[file]', FILE)
    .description(
      'Adds a key and seals with it from now on; the keys before stay, to open what they sealed. Running processes take it within two seconds. With several machines: rotate --stage, copy the file to each, then rotate --to ID and copy again.',
    )
    .option('--stage', 'add a key, and go on sealing with the one before')
    .option('--to <id>', 'add none; seal with this one of the file')
    .action((file: string | undefined, options: RotateOptions) => rotateKeys(findFile(file), options));
  const reseal = keys
    .command('reseal')
    .description(
      'Seals with the current key every record that is in the clear or sealed with an older one: a settled job is never written again by itself. Safe beside running workers, and to run again. Afterwards older keys may leave the file, once the histories that they sealed are gone, too.',
    )
    .option('--data-dir <folder>', 'where infer-once dev keeps its data (default: .infer-once)')
    .action(resealStore);
  addEpilogue(reseal, ['infer-once encryption-keys reseal'], [0, 2, 6]);
  addEpilogue(init, ['infer-once encryption-keys init /etc/infer-once/encryption-keys.json'], [0, 2]);
  addEpilogue(
    rotate,
    ['infer-once encryption-keys rotate', 'infer-once encryption-keys rotate --stage'],
    [0, 2],
  );
  addEpilogue(keys, ['infer-once encryption-keys init keys.json'], [0, 2]);
}

function rotateKeys(path: string, { stage, to }: RotateOptions): void {
  if (stage && to !== undefined) throw new ConfigError('--stage and --to can not be given together.');
  const id = rotateKeysFile(path, { stage, to });
  say(stage ? `Key ${id} is in ${path}, and seals nothing yet.` : `Key ${id} of ${path} seals from now on.`);
}

async function resealStore({ dataDir }: { dataDir?: string }): Promise<void> {
  const config = loadConfig(process.env);
  const { storeUrl } = await findPlaces(config, dataDir);
  if (storeUrl === null) throw new ConfigError('reseal needs a store; name it in INFER_ONCE_STORE_URL.');
  const keys = loadEncryptionKeys(findFile(undefined));
  const [{ openBackend }, { resealRows }] = await Promise.all([
    import('../../store/open.js'),
    import('../../store/reseal.js'),
  ]);
  const backend = await openBackend(storeUrl);
  const sum = { looked: 0, resealed: 0, left: 0 };
  try {
    for await (const step of resealRows(backend, keys)) {
      sum.looked += step.looked;
      sum.resealed += step.resealed;
      sum.left += step.left;
    }
  } finally {
    await backend.close();
  }
  say(`${countOf(sum.looked, 'record')} looked at, ${sum.resealed} sealed anew with key ${keys.current.id}.`);
  if (sum.left === 0) return;
  throw new UserError(
    `${countOf(sum.left, 'record')} can't be opened with the keys of ${keys.source}, and stay as they are; infer-once list names them.`,
    { code: 'encryption_key_missing' },
  );
}

function findFile(file: string | undefined): string {
  const path = file ?? loadConfig(process.env).encryptionKeysFile;
  if (path) return path;
  throw new ConfigError('The keys file is not named; give its path or set INFER_ONCE_ENCRYPTION_KEYS_FILE.');
}
