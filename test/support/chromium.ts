import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/**
 * The browser for tests: the one that `CHROMIUM_PATH` names, else `chromium` on the `PATH`.
 *
 * @throws Error that says how to install it
 */
export function findChromium(env: Record<string, string | undefined> = process.env): string {
  const named = env.CHROMIUM_PATH?.trim();
  const places = named
    ? [named]
    : (env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'chromium'));
  const found = places.find(isExecutable);
  if (found) return found;
  const where = named
    ? `There is no program at CHROMIUM_PATH (${named})`
    : 'There is no chromium on the PATH';
  throw new Error(
    `${where}; these tests need one: apt-get install -y --no-install-recommends chromium, or set CHROMIUM_PATH.`,
  );
}

/** @param args - e.g. a name that is resolved to another address */
export function launchChromium(args: string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
