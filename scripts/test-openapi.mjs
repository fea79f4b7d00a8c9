// Holds the gateway to its own description: starts the built gateway with a worker and the offline model on a
// dev server, and lets schemathesis send what /openapi.json allows and what it does not.
//
//   npm run test:openapi                      needs Python 3 with pip
//   npm run test:openapi -- --max-examples 200
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const SCHEMATHESIS = 'schemathesis==4.32.5';
const root = resolve(import.meta.dirname, '..');
const main = join(root, 'dist/cli/main.js');
const { startStack, findFreePort, binaryCacheFolder } = Object.assign(
  {},
  ...['stack', 'temporal', 'temporal/cache'].map((part) =>
    createRequire(import.meta.url)(join(root, 'dist/dev', part)),
  ),
);

/** The folder that schemathesis is in; installed there once. */
function installSchemathesis() {
  const folder =
    process.env.INFER_ONCE_CI_TOOLS ?? join(dirname(binaryCacheFolder()), SCHEMATHESIS.replace('==', '-'));
  if (!existsSync(join(folder, 'bin/schemathesis'))) {
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--root-user-action=ignore',
    ];
    const { status } = spawnSync('python3', [...pip, '--target', folder, SCHEMATHESIS], { stdio: 'inherit' });
    if (status !== 0) throw new Error(`pip could not install ${SCHEMATHESIS}; Python 3 with pip is needed.`);
  }
  return folder;
}

/** A key that the gateway takes, so that what is shut without one is seen to be shut. */
function addKey(env) {
  const { stdout, status, stderr } = spawnSync(process.execPath, [main, 'keys', 'add', 'tested'], {
    env,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout).key;
}

/** Resolves with the gateway's address. */
async function startGateway(env) {
  const child = spawn(process.execPath, [main, 'gateway'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((done) => child.once('close', done));
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^ready: gateway (\S+)/.exec(line)?.[1];
    if (!url) continue;
    const stop = () => {
      child.kill('SIGTERM');
      return ended;
    };
    return { url, stop };
  }
  throw new Error(`The gateway ended with code ${await ended} before it was ready.`);
}

function runSchemathesis(folder, url, key, args) {
  const run = [join(folder, 'bin/schemathesis'), '--config-file', join(root, 'scripts/schemathesis.toml')];
  run.push('run', `${url}/openapi.json`, '--header', `Authorization: Bearer ${key}`, ...args);
  const env = { ...process.env, PYTHONPATH: folder };
  const child = spawn('python3', run, { cwd: process.env.TMPDIR ?? tmpdir(), env, stdio: 'inherit' });
  return new Promise((done) => child.once('close', (code) => done(code ?? 1)));
}

const folder = installSchemathesis();
const dataDir = mkdtempSync(join(tmpdir(), 'infer-once-openapi-'));
const stack = await startStack({
  dataDir,
  temporalPort: await findFreePort(),
  headless: true,
  offline: {},
  onWorkerLine: () => undefined,
});
try {
  const env = {
    ...stack.env,
    INFER_ONCE_GATEWAY_PORT: '0',
    INFER_ONCE_GATEWAY_KEYS_FILE: join(dataDir, 'keys.json'),
    INFER_ONCE_LOG_LEVEL: 'error',
  };
  const key = addKey(env);
  const gateway = await startGateway(env);
  process.exitCode = await runSchemathesis(folder, gateway.url, key, process.argv.slice(2));
  await gateway.stop();
} finally {
  await stack.stop();
  rmSync(dataDir, { recursive: true, force: true });
}
