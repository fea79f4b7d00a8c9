import type { Socket } from 'node:net';

const SAYS: Record<string, [status: string, code: string, detail: string]> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'headers_too_large',
    'The headers are over 16 KiB; send less.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    'request_timeout',
    'The request did not come in time; send it again, faster.',
  ],
};
const BAD: (typeof SAYS)[string] = [
  '400 Bad Request',
  'no_http',
  'This is no HTTP request that can be read.',
];

/** Answers what never became a request, by a problem document as everything else, and ends the connection. */
export function answerNoHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, code, detail] = SAYS[error.code ?? ''] ?? BAD;
  const number = Number(status.slice(0, 3));
  const problem = {
    type: `urn:infer-once:problem:${code}`,
    title: status.slice(4),
    status: number,
    detail,
    code,
  };
  const body = JSON.stringify(problem);
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nConnection: close`;
  socket.end(`${head}\r\n\r\n${body}`);
}
