import { resolveTemporalBinary } from '../../src/dev/temporal';

/** Fetches Temporal's binaries once, before Jest's workers would each do so. */
export default async function globalSetup(): Promise<void> {
  await resolveTemporalBinary('cli');
  await resolveTemporalBinary('test-server');
}
