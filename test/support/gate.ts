import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a server on this machine that a test can block. */
export interface Gate {
  /** In place of the server's own, e.g. `127.0.0.1:40123`. */
  address: string;
  /** Nothing gets through in either direction any more; connections stay up, as with a server that hangs. */
  hold(): void;
  /** What is sent to the server gets through; its replies are lost. */
  swallowReplies(): void;
  /** Connections are reset, and new ones too, as with a server that is away. */
  cut(): void;
  /** How many connections were refused so far. */
  refused(): number;
  /** All gets through again; what was held back goes first. */
  open(): void;
  close(): Promise<void>;
}

/** Opens a gate before `host:port`. */
export async function openGate(address: string): Promise<Gate> {
  const [host, port] = address.split(':') as [string, string];
  const sockets = new Set<Socket>();
  let state: 'open' | 'held' | 'swallowing' | 'cut' = 'open';
  let refused = 0;
  const server = createServer((inner) => {
    if (state === 'cut') {
      refused += 1;
      inner.resetAndDestroy();
      return;
    }
    const outer = connect(Number(port), host);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => {
        if (state !== 'swallowing' || from === inner) to.write(bytes);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      if (state === 'held') from.pause();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold() {
      state = 'held';
      for (const socket of sockets) socket.pause();
    },
    swallowReplies() {
      state = 'swallowing';
    },
    cut() {
      state = 'cut';
      for (const socket of sockets) socket.resetAndDestroy();
    },
    refused: () => refused,
    open() {
      state = 'open';
      for (const socket of sockets) socket.resume();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
