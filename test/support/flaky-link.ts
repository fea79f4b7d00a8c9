import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A link between a client and a server that can be made to fail. */
export interface FlakyLink {
  readonly port: number;
  /** From now on nothing that the server says comes through, though all that is sent to it does. */
  swallowReplies(): void;
  /** Resets every connection, and refuses new ones until {@link FlakyLink.mend}. */
  cut(): void;
  /** All is well again for new connections. */
  mend(): void;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1, and hands on to another. */
export async function startLink(target: number): Promise<FlakyLink> {
  const sockets = new Set<Socket>();
  let isSwallowing = false;
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.resetAndDestroy();
    const far = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => isSwallowing || near.write(bytes));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const reset = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    swallowReplies() {
      isSwallowing = true;
    },
    cut() {
      isCut = true;
      reset();
    },
    mend() {
      isSwallowing = false;
      isCut = false;
    },
    async close() {
      reset();
      server.close();
      await once(server, 'close');
    },
  };
}
