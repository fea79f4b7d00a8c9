import { findPythonPackages } from './python';

/** Temporal's Python SDK. */
export const TEMPORAL = 'temporalio==1.35.0';
/** OpenAI's package for Python. */
export const OPENAI = 'openai==3.54.0';

/**
 * The folder with a Python package, for `PYTHONPATH`.
 *
 * @throws Error where it can't be had: a promise that was not looked at is not held
 */
export function needPythonPackage(wanted: string): string {
  const folder = findPythonPackages(wanted);
  if (folder) return folder;
  throw new Error(
    `${wanted} can't be had; these tests need Python 3, and pip with a way to a package index.`,
  );
}
