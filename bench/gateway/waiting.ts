import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayProcess } from '../support/gateway-process';

const WAIT_S = 300;

/** Requests that all wait at the same time. */
export interface Waiters {
  /** Resolves with how many were answered 200, once each connection has ended or answered. */
  answered: Promise<number>;
}

/** Opens `count` connections, each with one request that waits, spread over the jobs. */
export async function openWaiters(url: string, jobIds: string[], count: number): Promise<Waiters> {
  const { hostname, port } = new URL(url);
  const answers: Promise<boolean>[] = [];
  for (let opened = 0; opened < count; opened += 1) {
    const socket = await open(hostname, Number(port));
    answers.push(isAnswered(socket));
    socket.write(
      `GET /v1/jobs/${jobIds[opened % jobIds.length]}?wait=${WAIT_S} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n\r\n`,
    );
  }
  return { answered: Promise.all(answers).then((all) => all.filter(Boolean).length) };
}

function open(host: string, port: number): Promise<Socket> {
  return new Promise((done, failed) => {
    const socket = connect({ host, port }, () => done(socket));
    socket.once('error', failed);
  });
}

function isAnswered(socket: Socket): Promise<boolean> {
  return new Promise((done) => {
    let head = '';
    socket.on('data', (part) => {
      if (head.length < 12) head += part.toString('latin1');
    });
    socket.once('close', () => done(head.startsWith('HTTP/1.1 200')));
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
