import { TEMPORAL_BINARIES, type TemporalBinary } from './versions';

/** A binary that was fetched, or why not, in words that fit into a list of what was tried. */
export type Fetched = { path: string } | { fault: string };

/** Tells a person on stderr why nothing seems to happen. */
export function announceDownload(which: TemporalBinary, by: string): void {
  const { name, version } = TEMPORAL_BINARIES[which];
  process.stderr.write(
    `Downloading ${name} ${version} with ${by}; this is done once and takes some seconds.\n`,
  );
}
