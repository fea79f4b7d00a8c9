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
  /** Each connection lets so many bytes a second through to the server. */
  slow(bytesPerSecond: number): void;
  /** All gets through again; what was held back goes first. */
  open(): void;
  /** New connections lead there; those that are up stay where they are. */
  leadTo(address: string): void;
  close(): Promise<void>;
}

/**
 * Opens a gate before `host:port`.
 *
 * @param delayMs - how long everything is on its way, each way; default not at all
 */
export async function openGate(address: string, delayMs = 0): Promise<Gate> {
  let target = address;
  const sockets = new Set<Socket>();
  let state: 'open' | 'held' | 'swallowing' | 'cut' = 'open';
  let refused = 0;
  let rate = Number.POSITIVE_INFINITY;
  const server = createServer((inner) => {
    if (state === 'cut') {
      refused += 1;
      inner.resetAndDestroy();
      return;
    }
    const [host, port] = target.split(':') as [string, string];
    const outer = connect(Number(port), host);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => {
        if (state === 'swallowing' && from === outer) return;
        // timers of one length fire in the order in which they were set
        if (delayMs > 0) setTimeout(() => to.write(bytes), delayMs);
        else to.write(bytes);
        if (from === outer || rate === Number.POSITIVE_INFINITY) return;
        from.pause();
        setTimeout(() => from.resume(), (1000 * bytes.length) / rate);
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
    slow(bytesPerSecond) {
      rate = bytesPerSecond;
    },
    open() {
      state = 'open';
      for (const socket of sockets) socket.resume();
    },
    leadTo(elsewhere) {
      target = elsewhere;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
