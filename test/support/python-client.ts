import { findPythonPackages } from './python';

/** The folder with Temporal's Python SDK, for `PYTHONPATH`; null where it can't be had. */
export function findPythonSdk(): string | null {
  return findPythonPackages('temporalio==1.35.0');
}
