import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

export const PYTHON = 'python3';
/** On two busy cores the larger sets take half a minute. */
const PIP_TIMEOUT_MS = 180_000;

/**
 * A folder with these Python packages, for `PYTHONPATH`: fetched by pip into the project's cache on first use.
 * Null where this machine has no Python, or pip can't fetch them.
 *
 * @param wanted - pinned, e.g. `temporalio==1.35.0`; the first one names the folder
 */
export function findPythonPackages(...wanted: [string, ...string[]]): string | null {
  const { INFER_ONCE_CACHE_DIR: own, XDG_CACHE_HOME: xdg } = process.env;
  const folder = join(own || join(xdg || join(homedir(), '.cache'), 'infer-once'), 'python', wanted[0]);
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const fresh = mkdtempSync(join(dirname(folder), '.download-'));
  const pip = ['-m', 'pip', '--quiet', '--disable-pip-version-check', '--no-input', 'install'];
  const env = { ...process.env, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' };
  const options = { env, timeout: PIP_TIMEOUT_MS };
  const { status } = spawnSync(PYTHON, [...pip, '--target', fresh, ...wanted], options);
  if (status === 0 && !existsSync(folder)) renameSync(fresh, folder);
  rmSync(fresh, { recursive: true, force: true });
  return status === 0 ? folder : null;
}
