import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { UserError } from '../../errors';
import { billedCalls, type LedgerEntry, readLedger } from './ledger';
import type { OfflineState, Rule } from './protocol';

/** How to start an offline model. */
export interface OfflineModelOptions {
  /** The ledger's file; by default one in a new temporary folder. A file of an earlier run is gone on with. */
  ledger?: string;
  /** How long a call takes, in milliseconds. Default 0. */
  delayMs?: number;
  /** Default 0: any free port. */
  port?: number;
  /** Only this bearer is let in. Default: none is asked for. */
  apiKey?: string;
}

/** A running offline model and the handles that tests steer it by. */
export interface OfflineModel {
  /** For `OPENAI_BASE_URL`, e.g. `http://127.0.0.1:40123/v1`. */
  readonly baseUrl: string;
  readonly pid: number;
  readonly ledgerFile: string;
  /** Puts these rules in place of all earlier ones; none given clears them. */
  rules(...rules: Rule[]): Promise<void>;
  state(): Promise<OfflineState>;
  /** Waits for a state, without polling; rejects after `timeoutMs` (default 30 s), naming the last state. */
  waitForState(check: (state: OfflineState) => boolean, timeoutMs?: number): Promise<OfflineState>;
  /** Waits until a call of this job is held in mid-air. */
  waitForHeld(jobId: string, timeoutMs?: number): Promise<void>;
  /** Lets held calls go on: those of one job, or all. Returns how many. */
  release(jobId?: string): Promise<number>;
  ledger(): LedgerEntry[];
  /** How many calls the ledger has: of one job, or of all. */
  billed(jobId?: string): number;
  /** How it ended: exit code, or null where a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Ends it cleanly (SIGTERM). */
  stop(): Promise<void>;
  /** Kills it as a crash would (SIGKILL). */
  kill(): Promise<void>;
}

// The compiled process, wherever this file runs from: src/dev/offline or dist/dev/offline.
const MAIN = resolve(__dirname, '../../../dist/dev/offline/main.js');

const FAILED = { code: 'offline_model_failed' };

/**
 * Starts the offline model as a process of its own; it ends with this one, also when this one is killed.
 *
 * @throws UserError `offline_model_failed` where it can't start.
 * @example
 * const model = await startOfflineModel();
 * const openai = new OpenAI({ baseURL: model.baseUrl, apiKey: 'any', maxRetries: 0 });
 * await model.rules({ match: { job_id: 'a' }, do: { hold: true } });
 */
export async function startOfflineModel(options: OfflineModelOptions = {}): Promise<OfflineModel> {
  if (!existsSync(MAIN)) throw new UserError('The offline model is not built; run "npm run build".', FAILED);
  const ledgerFile =
    options.ledger ?? join(mkdtempSync(join(tmpdir(), 'infer-once-offline-')), 'ledger.jsonl');
  const args = ['--with-parent', '--ledger', ledgerFile];
  args.push('--port', String(options.port ?? 0), '--delay', String(options.delayMs ?? 0));
  if (options.apiKey !== undefined) args.push('--api-key', options.apiKey);
  // In a process group of its own: Ctrl-C reaches only the parent, whose workers still need their answers.
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const baseUrl = await readReadyLine(child);
  // Whoever forgets to stop it can still end; it then ends too, as its standard input closes.
  for (const handle of [child, child.stdin, child.stdout, child.stderr]) unref(handle);
  return new RunningModel(child, baseUrl, ledgerFile);
}

class RunningModel implements OfflineModel {
  readonly pid: number;
  readonly exited: Promise<number | null>;
  private readonly root: string;

  constructor(
    private readonly child: ChildProcess,
    readonly baseUrl: string,
    readonly ledgerFile: string,
  ) {
    this.pid = child.pid!;
    this.exited = once(child, 'exit').then(([code]) => code as number | null);
    this.root = new URL(baseUrl).origin;
  }

  async rules(...rules: Rule[]): Promise<void> {
    await this.ask('/__control', rules);
  }

  state(): Promise<OfflineState> {
    return this.ask('/__state');
  }

  async waitForState(check: (state: OfflineState) => boolean, timeoutMs = 30_000): Promise<OfflineState> {
    const timeout = AbortSignal.timeout(timeoutMs);
    let state = await this.state();
    while (!check(state)) {
      const last = state;
      state = await this.ask<OfflineState>(`/__state?after=${last.version}`, undefined, timeout).catch(
        (error) => {
          if (!timeout.aborted) throw error;
          throw new Error(
            `The offline model came to no such state in ${timeoutMs} ms: ${JSON.stringify(last)}`,
          );
        },
      );
    }
    return state;
  }

  async waitForHeld(jobId: string, timeoutMs?: number): Promise<void> {
    await this.waitForState(({ held }) => held.some((call) => call.job_id === jobId), timeoutMs);
  }

  async release(jobId?: string): Promise<number> {
    const { released } = await this.ask<{ released: number }>('/__release', { job_id: jobId });
    return released;
  }

  ledger(): LedgerEntry[] {
    return readLedger(this.ledgerFile);
  }

  billed(jobId?: string): number {
    const counts = billedCalls(this.ledgerFile);
    if (jobId !== undefined) return counts.get(jobId) ?? 0;
    return [...counts.values()].reduce((sum, count) => sum + count, 0);
  }

  stop(): Promise<void> {
    return this.end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.end('SIGKILL');
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.ref();
    this.child.kill(signal);
    await this.exited;
  }

  private async ask<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    // A connection of its own each time: an idle one would keep a test process from ending.
    const headers = { connection: 'close', 'content-type': 'application/json' };
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(this.root + path, { headers, signal, ...sent });
    if (!response.ok) throw new Error(`The offline model refused ${path}: ${await response.text()}`);
    return (await response.json()) as T;
  }
}

/** Reads `ready URL` from the process, or its complaint. */
async function readReadyLine(child: ChildProcess): Promise<string> {
  let complaint = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  for await (const line of createInterface({ input: child.stdout! })) {
    if (line.startsWith('ready ')) return line.slice('ready '.length);
  }
  throw new UserError(complaint.split('\n')[0] || 'The offline model ended before it was ready.', FAILED);
}

/** Child processes and the sockets that their pipes are can let the event loop end; the types hide the latter. */
function unref(handle: object): void {
  (handle as { unref?: () => void }).unref?.();
}
