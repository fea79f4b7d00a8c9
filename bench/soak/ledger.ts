import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { attributeCall, type LedgerEntry } from '../../src/dev/offline/ledger';

/** A call that was paid for. */
export interface PaidCall {
  job: string | null;
  call: string;
}

/** Reads the stand-in's ledger on from where it was read to: after hours the whole of it is long. */
export class LedgerReader {
  private offset = 0;
  private rest = '';
  private readonly decoder = new StringDecoder('utf8');

  constructor(private readonly file: string) {}

  /** The calls that were written since. */
  next(): PaidCall[] {
    const lines = (this.rest + this.read()).split('\n');
    // what follows the last newline is not whole yet
    this.rest = lines.pop()!;
    return lines
      .map((line) => JSON.parse(line) as LedgerEntry)
      .flatMap((entry) =>
        entry.phase === 'billed'
          ? [{ job: attributeCall(entry.job_id, entry.idempotency_key), call: entry.call }]
          : [],
      );
  }

  private read(): string {
    if (!existsSync(this.file)) return '';
    const fd = openSync(this.file, 'r');
    try {
      const chunk = Buffer.alloc(1024 * 1024);
      let text = '';
      for (let n = readSync(fd, chunk, 0, chunk.length, this.offset); n > 0; ) {
        text += this.decoder.write(chunk.subarray(0, n));
        this.offset += n;
        n = readSync(fd, chunk, 0, chunk.length, this.offset);
      }
      return text;
    } finally {
      closeSync(fd);
    }
  }
}
