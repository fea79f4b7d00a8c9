export { type DevServer, type DevServerOptions, startDevServer } from './dev-server';
export { assertPortFree, findFreePort } from './ports';
export { resolveTemporalBinary, TemporalBinaryError } from './resolve-binary';
