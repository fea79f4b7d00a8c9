import { percentile } from '../report/statistics';
import { usageOf } from '../support/process-usage';

/** Memory and handles of one process, early and late. */
export interface Growth {
  early: { rssMb: number; handles: number };
  late: { rssMb: number; handles: number };
}

/** What one process was seen to use, over time. */
export class GrowthWatch {
  private readonly samples: { rssMb: number; handles: number }[] = [];

  constructor(
    readonly name: string,
    private readonly pid: number,
  ) {}

  look(): void {
    const usage = usageOf(this.pid);
    if (usage) this.samples.push({ rssMb: usage.rssMb, handles: usage.handles });
  }

  /** Now, for a line of progress. */
  toString(): string {
    const last = this.samples.at(-1);
    return last ? `${this.name} ${Math.round(last.rssMb)} MB ${last.handles} fds` : this.name;
  }

  /** The middle of the second fifth, when it is warm, beside that of the last; null where too little was seen. */
  growth(): Growth | null {
    const fifth = Math.floor(this.samples.length / 5);
    if (fifth === 0) return null;
    const middle = (from: number, to: number) => {
      const part = this.samples.slice(from, to);
      const of = (what: 'rssMb' | 'handles') =>
        percentile(
          part.map((sample) => sample[what]),
          0.5,
        );
      return { rssMb: Math.round(of('rssMb')), handles: of('handles') };
    };
    return { early: middle(fifth, 2 * fifth), late: middle(-fifth, this.samples.length) };
  }
}
