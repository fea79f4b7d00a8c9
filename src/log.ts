import pino, { type Logger } from 'pino';

/**
 * Structured lines on stderr, so that stdout stays the program's answer. Written at once: the last line
 * before a crash is the one that is needed.
 */
export function createLogger(level: string): Logger {
  return pino({ level, base: { pid: process.pid } }, pino.destination({ dest: 2, sync: true }));
}
