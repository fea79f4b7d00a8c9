import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { applyEdits } from './loader';
import type { NamedMutant } from './named-mutants';

const ROOT = resolve(__dirname, '../..');
const config: { transform: Record<string, [string, object]> } =
  createRequire(__filename)('../../jest.config.js');
const JEST = join(ROOT, 'node_modules/jest/bin/jest.js');

/** What became of the tests that were run, by their full names. */
export interface Outcome {
  passed: string[];
  failed: string[];
}

/**
 * Runs the one test that a mutant names, in a process of its own, over the broken sources.
 *
 * @throws Error where the mutant does not apply to the sources as they are
 */
export async function runNamedTest(mutant: Pick<NamedMutant, 'file' | 'test' | 'edits'>): Promise<Outcome> {
  const texts = [...applyEdits(mutant.edits)].map(([source, text]) => [join(ROOT, 'src', source), text]);
  const env = { ...process.env, BROKEN_SOURCES: JSON.stringify(Object.fromEntries(texts)) };
  const folder = mkdtempSync(join(tmpdir(), 'broken-'));
  try {
    const out = join(folder, 'out.json');
    return readOutcome(out, await runJest(argumentsFor(mutant, out), env));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The project's own configuration, with a transform that puts the broken texts in. */
function argumentsFor({ file, test }: Pick<NamedMutant, 'file' | 'test'>, out: string): string[] {
  const [[files, [, options]]] = Object.entries(config.transform) as [[string, [string, object]]];
  const transform = { [files]: [join(__dirname, 'broken-source.js'), options] };
  const broken = JSON.stringify({ ...config, rootDir: ROOT, globalSetup: undefined, transform });
  const name = `^${test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`;
  const report = ['--json', '--outputFile', out];
  return ['--config', broken, ...report, '--runInBand', '-t', name, join(ROOT, 'test', file)];
}

/** What it says is only of interest where it gives no report: it ends in an error where a test fails. */
function runJest(args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((done) => {
    const options = { cwd: ROOT, env, maxBuffer: 1e8 };
    execFile(process.execPath, [JEST, ...args], options, (_, __, stderr) => done(stderr));
  });
}

function readOutcome(out: string, said: string): Outcome {
  interface Report {
    testResults: { message: string; assertionResults: { status: string; fullName: string }[] }[];
  }
  let report: Report;
  try {
    report = JSON.parse(readFileSync(out, 'utf8'));
  } catch {
    throw new Error(`jest gave no report: ${said}`);
  }
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const named = (status: string) =>
    results.filter((result) => result.status === status).map((r) => r.fullName);
  return { passed: named('passed'), failed: named('failed') };
}
