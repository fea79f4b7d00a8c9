import { BlockList, isIP } from 'node:net';
import type { Config } from '../config';
import { ConfigError } from '../errors';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether nobody but this machine reaches a host's address. */
export function isLoopback(host: string): boolean {
  // the usual ones: this is asked with every request
  if (host === '127.0.0.1' || host === 'localhost') return true;
  const version = isIP(host);
  if (version === 0) return host.toLowerCase() === 'localhost';
  return LOOPBACK.check(host, version === 6 ? 'ipv6' : 'ipv4');
}

/** @throws ConfigError where others could spend money without a key */
export function checkExposure({ gateway: { host, keysFile } }: Config): void {
  if (keysFile !== undefined || isLoopback(host)) return;
  throw new ConfigError(
    `The gateway would listen on ${host} without keys, and anybody could run jobs; make one with infer-once keys add TENANT and name its file in INFER_ONCE_GATEWAY_KEYS_FILE, or listen on 127.0.0.1.`,
  );
}
