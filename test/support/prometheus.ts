/** One line of a scrape. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** One metric as a scrape tells it. */
export interface Family {
  name: string;
  help: string;
  type: string;
  samples: Sample[];
}

/** A scrape, read. */
export interface Scrape {
  families: Map<string, Family>;
  /** The sum of the samples of this name whose labels include these; 0 where there are none. */
  sum(name: string, labels?: Record<string, string>): number;
  has(name: string, labels?: Record<string, string>): boolean;
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)/y;
const SUFFIXES: Record<string, string[]> = {
  histogram: ['_bucket', '_sum', '_count'],
  counter: [''],
  gauge: [''],
};

/** Reads Prometheus's text format 0.0.4, and throws at anything that a scraper would refuse. */
export function parseScrape(text: string): Scrape {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  let family: Family | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') {
      if (!NAME.test(name) || families.has(name)) throw new Error(`told twice, or no name: ${line}`);
      family = { name, help: rest, type: '', samples: [] };
      families.set(name, family);
    } else if (word === 'TYPE') {
      if (family?.name !== name || !SUFFIXES[rest]) throw new Error(`no type of its help: ${line}`);
      family.type = rest;
    } else {
      const sample = parseSample(line);
      const identity = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      if (seen.has(identity)) throw new Error(`twice: ${line}`);
      seen.add(identity);
      const suffixes = SUFFIXES[family?.type ?? ''] ?? [];
      if (!suffixes.some((suffix) => sample.name === family!.name + suffix))
        throw new Error(`astray: ${line}`);
      family!.samples.push(sample);
    }
  }
  for (const one of families.values()) if (one.type === 'histogram') checkBuckets(one);
  const find = (name: string, labels: Record<string, string> = {}) =>
    [...families.values()]
      .flatMap(({ samples }) => samples)
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
  return {
    families,
    sum: (name, labels) => find(name, labels).reduce((sum, { value }) => sum + value, 0),
    has: (name, labels) => find(name, labels).length > 0,
  };
}

function parseSample(line: string): Sample {
  const [, name, inner = '', number] = SAMPLE.exec(line) ?? [];
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number);
  if (!name || Number.isNaN(value)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  let end = 0;
  while (end < inner.length) {
    LABEL.lastIndex = end;
    const [whole, label, text] = LABEL.exec(inner) ?? [];
    if (!whole || !label || label in labels) throw new Error(`no labels: ${line}`);
    labels[label] = text!.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
    end += whole.length;
  }
  return { name, labels, value };
}

/** Cumulative, in order, ended by +Inf, which is the count. */
function checkBuckets({ name, samples }: Family): void {
  const series = new Map<string, { le: number; value: number }[]>();
  const keyOf = (labels: Record<string, string>) => JSON.stringify(Object.entries(labels).sort());
  for (const { name: line, labels, value } of samples) {
    if (line !== `${name}_bucket`) continue;
    const { le, ...others } = labels;
    const buckets = series.get(keyOf(others)) ?? [];
    buckets.push({ le: le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le), value });
    series.set(keyOf(others), buckets);
  }
  for (const [key, buckets] of series) {
    const isSorted = buckets.every(({ le, value }, i) => {
      const before = buckets[i - 1];
      return !before || (le > before.le && value >= before.value);
    });
    const last = buckets.at(-1)!;
    const count = samples.find((s) => s.name === `${name}_count` && keyOf(s.labels) === key);
    if (!isSorted || last.le !== Number.POSITIVE_INFINITY || last.value !== count?.value) {
      throw new Error(`${name}${key} has no buckets of a histogram`);
    }
  }
}
