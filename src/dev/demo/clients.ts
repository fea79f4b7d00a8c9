import { type ChildProcess, fork } from 'node:child_process';
import { resolve } from 'node:path';
import { UserError } from '../../errors';
import type { HistoryEvent } from '../check-history';
import type { ClientMessage, ClientTask } from './client-messages';

/** The two client processes. */
export interface Clients {
  /** Lets both begin at once. */
  go(): void;
  /** Resolves when every submission has ended; rejects where a client process ends before. */
  readonly done: Promise<void>;
  /** Ends what is left of them (SIGKILL). */
  kill(): Promise<void>;
}

const MAIN = resolve(__dirname, 'client-process.js');

/**
 * Starts both clients, each with a JobClient of its own, and resolves when both are connected.
 *
 * @param options.logFd - where their complaints go
 * @param onEvent - what became of each submission
 */
export async function startClients(
  options: Omit<ClientTask, 'client'> & { env: NodeJS.ProcessEnv; logFd: number },
  onEvent: (event: HistoryEvent) => void,
): Promise<Clients> {
  const clients = [0, 1].map((number) => startClient(number, options, onEvent));
  const clientsDone = Promise.all(clients.map(({ done }) => done)).then(() => undefined);
  // whoever waits for it is told; before that, `ready` tells
  clientsDone.catch(() => undefined);
  const kill = async () => {
    await Promise.all(clients.map((client) => client.kill()));
  };
  try {
    await Promise.all(clients.map(({ ready }) => ready));
  } catch (error) {
    await kill();
    throw error;
  }
  return { go: () => clients.forEach((client) => void client.go()), done: clientsDone, kill };
}

function startClient(
  number: number,
  { env, logFd, jobs, timeoutMs }: Parameters<typeof startClients>[0],
  onEvent: (event: HistoryEvent) => void,
) {
  const task: ClientTask = { client: number, jobs, timeoutMs };
  // in a process group of its own, so that Ctrl-C reaches only the parent
  const options = { env, detached: true, execArgv: [], stdio: ['ignore', logFd, logFd, 'ipc'] };
  const child = fork(MAIN, [JSON.stringify(task)], options as object);
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()).once('error', () => resolve());
  });
  void ended.then(() => process.off('exit', killAtExit));
  const ready = untilTold(child, 'ready', number);
  const done = untilTold(child, 'done', number);
  // `ready` rejects for the same reason
  done.catch(() => undefined);
  child.on('message', (message: ClientMessage) => {
    if (message.type !== 'ready' && message.type !== 'done') onEvent(message);
  });
  return {
    ready,
    done,
    go: () => child.send('go'),
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

/** Resolves with that message. The channel closes only after every message has been read. */
function untilTold(child: ChildProcess, type: ClientMessage['type'], number: number): Promise<void> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: ClientMessage) => message.type === type && resolve());
    const ended = () => {
      const message = `Client process ${number + 1} ended before its submissions were answered.`;
      reject(new UserError(message, { code: 'client_failed' }));
    };
    child.on('disconnect', ended).on('error', ended);
  });
}
