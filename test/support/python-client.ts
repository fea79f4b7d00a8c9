import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const WANTED = 'temporalio==1.35.0';
const PYTHON = 'python3';

/**
 * The folder with Temporal's Python SDK, for `PYTHONPATH`: fetched by pip into the project's cache on first
 * use, 5 s. Null where this machine has no Python, or pip can't fetch it.
 */
export function findPythonSdk(): string | null {
  const { INFER_ONCE_CACHE_DIR: own, XDG_CACHE_HOME: xdg } = process.env;
  const folder = join(own || join(xdg || join(homedir(), '.cache'), 'infer-once'), 'python', WANTED);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const fresh = mkdtempSync(join(dirname(folder), '.download-'));
  const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check', '--no-input', 'install'];
  const env = { ...process.env, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' };
  const { status } = spawnSync(PYTHON, [...pip, '--target', fresh, WANTED], { env, timeout: 60_000 });
  if (status === 0 && !existsSync(folder)) renameSync(fresh, folder);
  rmSync(fresh, { recursive: true, force: true });
  return status === 0 ? folder : null;
}
