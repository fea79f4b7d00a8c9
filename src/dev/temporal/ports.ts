import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { UserError } from '../../errors';

/** A free TCP port on 127.0.0.1; another process may take it before it is used, so use it at once. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Checks that a port on 127.0.0.1 can be listened on.
 *
 * @param remedy what to do about it, as the end of a sentence.
 * @throws UserError `port_in_use`, or `port_unusable`, naming the port, its use and the remedy.
 */
export async function assertPortFree(port: number, use: string, remedy: string): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (cause) {
    const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    const fault = inUse ? 'is in use' : `can't be used (${(cause as Error).message})`;
    const code = inUse ? 'port_in_use' : 'port_unusable';
    throw new UserError(`Port ${port} for ${use} ${fault}; ${remedy}.`, { code, cause });
  }
  server.close();
  await once(server, 'close');
}

/** Whether something accepts connections on a port of 127.0.0.1. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1');
    const say = (open: boolean) => {
      socket.destroy();
      answer(open);
    };
    socket.once('connect', () => say(true)).once('error', () => say(false));
  });
}
