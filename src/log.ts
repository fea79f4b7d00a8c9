import pino, { type Logger } from 'pino';

/** The part of a pino logger that is used: fields first, then the event's name. */
export interface JobLog {
  info(fields: object, event: string): void;
  warn(fields: object, event: string): void;
  error(fields: object, event: string): void;
}

/**
 * Structured lines on stderr, so that stdout stays the program's answer. Written at once: the last line
 * before a crash is the one that is needed.
 */
export function createLogger(level: string): Logger {
  return pino({ level, base: { pid: process.pid } }, pino.destination({ dest: 2, sync: true }));
}
