import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { findPythonPackages, PYTHON } from './python';

/** Prometheus's own package for Python; its parser reads what a worker or gateway serves. */
const CLIENT = 'prometheus_client==0.26.0';
const SCRIPT = join(__dirname, 'prometheus_parse.py');

/** One line of a scrape. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** One metric as a scrape tells it; a counter's name is without its `_total`, as the parser has it. */
export interface Family {
  name: string;
  help: string;
  type: string;
  samples: Sample[];
}

/** A scrape, read. */
export interface Scrape {
  text: string;
  families: Family[];
  /** The sum of the samples of this name whose labels include these; 0 where there are none. */
  sum(name: string, labels?: Record<string, string>): number;
  has(name: string, labels?: Record<string, string>): boolean;
}

/** Reads Prometheus's text format 0.0.4. @throws where the parser, or a server beyond it, would refuse it */
export async function parseScrape(text: string): Promise<Scrape> {
  const families = (JSON.parse(await parse(text)) as ParsedFamily[]).map(({ samples, ...family }) => ({
    ...family,
    samples: samples.map(([name, labels, value]) => ({ name, labels, value: toNumber(value) })),
  }));
  const samples = families.flatMap((family) => family.samples);
  refuseDoubles(families, samples);
  const find = (name: string, labels: Record<string, string> = {}) =>
    samples
      .filter((sample) => sample.name === name)
      .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
  return {
    text,
    families,
    sum: (name, labels) => find(name, labels).reduce((sum, { value }) => sum + value, 0),
    has: (name, labels) => find(name, labels).length > 0,
  };
}

interface ParsedFamily extends Omit<Family, 'samples'> {
  samples: [name: string, labels: Record<string, string>, value: string][];
}

function parse(text: string): Promise<string> {
  const packages = findPythonPackages(CLIENT);
  if (!packages) throw new Error(`pip can not fetch ${CLIENT}, by which scrapes are read`);
  const env = { ...process.env, PYTHONPATH: packages };
  return new Promise((done, failed) => {
    const options = { env, maxBuffer: 64 * 1024 * 1024 };
    const python = execFile(PYTHON, [SCRIPT], options, (error, stdout) =>
      error ? failed(error) : done(stdout),
    );
    python.stdin!.end(text);
  });
}

function toNumber(text: string): number {
  return text === 'inf' ? Number.POSITIVE_INFINITY : Number(text);
}

/** The parser takes these, a server refuses them. */
function refuseDoubles(families: Family[], samples: Sample[]): void {
  const names = families.map(({ name }) => name);
  const series = samples.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]));
  for (const list of [names, series]) {
    const seen = new Set<string>();
    for (const one of list) {
      if (seen.has(one)) throw new Error(`told twice: ${one}`);
      seen.add(one);
    }
  }
}
