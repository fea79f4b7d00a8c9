import { findPythonPackages } from './python';

/** Temporal's Python SDK. */
export const TEMPORAL = 'temporalio==1.35.0';
/** OpenAI's package for Python. */
export const OPENAI = 'openai==3.54.0';

/** The folder with a Python package, for `PYTHONPATH`; null where it can't be had. */
export function findPythonPackage(wanted: string): string | null {
  return findPythonPackages(wanted);
}
