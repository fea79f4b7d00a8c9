import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayProcess } from '../support/gateway-process';

const WAIT_S = 300;

/** Requests that all wait at the same time. */
export interface Waiters {
  /** Resolves with the status of each (0: broken off), once all have ended. */
  statuses: Promise<number[]>;
}

/** Opens `count` connections, each with one request that waits, spread over the jobs. */
export async function openWaiters(url: string, jobIds: string[], count: number): Promise<Waiters> {
  const { hostname, port } = new URL(url);
  const statuses: Promise<number>[] = [];
  for (let opened = 0; opened < count; opened += 1) {
    const socket = await open(hostname, Number(port));
    statuses.push(statusOf(socket));
    socket.write(
      `GET /v1/jobs/${jobIds[opened % jobIds.length]}?wait=${WAIT_S} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`,
    );
  }
  return { statuses: Promise.all(statuses) };
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((done, failed) => {
    const socket = connect({ host, port }, () => done(socket));
    socket.once('error', failed);
  });
}

function statusOf(socket: Socket): Promise<number> {
  return new Promise((done) => {
    let head = '';
    socket.on('data', (part) => {
      if (head.length < 12) head += part.toString('latin1');
    });
    socket.once('close', () => done(Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0)));
    socket.on('error', () => undefined);
  });
}

/** The most memory that the gateway held until it grew no more. */
export async function memoryAtRest(gateway: GatewayProcess): Promise<number> {
  let most = 0;
  for (let still = 0; still < 10; still += 1) {
    const now = gateway.memoryMb();
    if (now > most * 1.01) still = 0;
    most = Math.max(most, now);
    await delay(500);
  }
  return most;
}
