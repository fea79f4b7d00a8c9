export { type DevFile, devStoreUrl, readDevFile } from './dev-file';
export { claimDataDir } from './dir-lock';
export { type Stack, type StackOptions, startStack } from './stack';
export type { Part, WorkerEnd, WorkerReady } from './worker-process';
