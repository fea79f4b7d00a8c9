import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { ConfigError } from '../errors';
import { addBatch } from './commands/batch';
import { addCancel } from './commands/cancel';
import { addConsume } from './commands/consume';
import { addDev } from './commands/dev';
import { addDoctor } from './commands/doctor';
import { addEncryptionKeys } from './commands/encryption-keys';
import { addForget } from './commands/forget';
import { addGateway } from './commands/gateway';
import { addKeys } from './commands/keys';
import { addList } from './commands/list';
import { addPurge } from './commands/purge';
import { addResolve } from './commands/resolve';
import { addRetry } from './commands/retry';
import { addRun } from './commands/run';
import { addSetup } from './commands/setup';
import { addStats } from './commands/stats';
import { addStatus } from './commands/status';
import { addSubmit } from './commands/submit';
import { addWorker } from './commands/worker';
import { EXIT_MEANINGS } from './exit-codes';
import { fileFault } from './input';

const COMMANDS = [
  ...[addDev, addWorker, addGateway, addConsume, addSetup, addDoctor],
  ...[addRun, addSubmit, addStatus, addList, addRetry, addCancel, addForget, addResolve, addPurge],
  ...[addBatch, addStats, addKeys, addEncryptionKeys],
];

/** The program with every command. */
export function buildProgram(): Command {
  const program = new Command('infer-once')
    .description('AI jobs on Temporal where one logical job costs one inference.')
    .version(readVersion())
    .exitOverride()
    .showHelpAfterError('(infer-once --help lists the commands)')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'infer-once: ')) })
    .hook('preAction', loadDotEnv);
  program.addHelpText('after', exitCodesText());
  for (const add of COMMANDS) add(program);
  return program;
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8'));
  return version;
}

/** `.env` of the working directory; what the environment has already wins. */
function loadDotEnv(): void {
  // a worker of `dev` is given a whole environment, without what `.env` says of another Temporal
  if (process.channel) return;
  try {
    process.loadEnvFile();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new ConfigError(`The file .env can't be read: ${fileFault(cause)}.`, cause);
  }
}

function exitCodesText(): string {
  const codes = Object.entries(EXIT_MEANINGS).map(([code, meaning]) => `  ${code}  ${meaning}`);
  return [
    '',
    'Start here:',
    '  infer-once dev',
    '  infer-once run enrich --id film-1 --input \'{"title": "alien (1979)"}\'',
    '',
    'Exit codes:',
    ...codes,
    '',
    'Configuration is by environment variables and .env; see .env.example. Logs go to stderr.',
  ].join('\n');
}
