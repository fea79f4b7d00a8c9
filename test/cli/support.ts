import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Stack, startStack } from '../../src/dev/stack';
import { findFreePort } from '../../src/dev/temporal';

const MAIN = resolve(__dirname, '../../dist/cli/main.js');

/** How a command ended and what it said. */
export interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command that runs. */
export interface Running {
  process: ChildProcess;
  /** Resolves with the first line on this stream that begins so; rejects where the command ends before. */
  line(stream: 'stdout' | 'stderr', start: string): Promise<string>;
  ended: Promise<Said>;
}

interface CliOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  stdin?: string;
}

/** The environment without anything that would configure the product. */
export function cleanEnv(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => {
    const isOurs = /^(TEMPORAL|OPENAI|INFER_ONCE|OTEL)_/.test(name);
    return !isOurs || name === 'INFER_ONCE_CACHE_DIR' || name === 'INFER_ONCE_TEMPORAL_CLI';
  });
  return Object.fromEntries(kept);
}

/** Starts the compiled command line in a process of its own. */
export function startCli(args: string[], { cwd, env, stdin = '' }: CliOptions = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd, env: { ...cleanEnv(), ...env } });
  const said: Said = { code: null, stdout: '', stderr: '' };
  const ended = new Promise<Said>((done) => {
    child.once('close', (code) => done({ ...said, code }));
  });
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  // it may end without having read it
  child.stdin.on('error', () => undefined).end(stdin);
  const line = (stream: 'stdout' | 'stderr', start: string) =>
    new Promise<string>((found, failed) => {
      const look = () => {
        const whole = said[stream].split('\n').slice(0, -1);
        const hit = whole.find((text) => text.startsWith(start));
        if (hit !== undefined) found(hit);
      };
      child[stream].on('data', look);
      void ended.then(() => failed(new Error(`ended without "${start}": ${JSON.stringify(said)}`)));
      look();
    });
  return { process: child, line, ended };
}

/** A stack of this test file's own, with commands that run beside it. */
export class CliHarness {
  readonly folder = mkdtempSync(join(tmpdir(), 'infer-once-cli-'));
  stack!: Stack;

  async start(env: Record<string, string> = {}): Promise<void> {
    this.stack = await startStack({
      dataDir: join(this.folder, '.infer-once'),
      temporalPort: await findFreePort(),
      headless: true,
      offline: {},
      env,
      onWorkerLine: () => undefined,
    });
  }

  async stop(): Promise<void> {
    await this.stack.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** Runs a command in the stack's folder to its end. */
  cli(args: string[], options: CliOptions = {}): Promise<Said> {
    return this.begin(args, options).ended;
  }

  /** Starts a command in the stack's folder. */
  begin(args: string[], options: CliOptions = {}): Running {
    return startCli(args, { cwd: this.folder, ...options });
  }

  /** Writes a file of lines; gives its name for a command. */
  write(name: string, lines: (object | string)[]): string {
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    writeFileSync(join(this.folder, name), `${text.join('\n')}\n`);
    return name;
  }

  /** The records of a file. */
  read(name: string): Record<string, unknown>[] {
    return records(readFileSync(join(this.folder, name), 'utf8'));
  }

  /** Undoes what a test made the model do; what still hangs in mid-air goes on. */
  async calm(): Promise<void> {
    await this.offline.rules();
    await this.offline.release();
  }

  get offline() {
    return this.stack.offline!;
  }
}

/** JSON, a record a line. */
export function records(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** What `run` and `submit` take for a film of this title. */
export function film(id: string, title: string): string[] {
  return ['enrich', '--id', id, '--input', JSON.stringify({ title })];
}

/** Workers that soon show a doubt: nobody can be asked for a lost answer. */
export const SOON_IN_DOUBT = {
  INFER_ONCE_RECOVERY: 'none',
  INFER_ONCE_SETTLE: '100ms',
  INFER_ONCE_LEASE: '3s',
  INFER_ONCE_HEARTBEAT_TIMEOUT: '2s',
  INFER_ONCE_SHUTDOWN_GRACE: '1s',
};
