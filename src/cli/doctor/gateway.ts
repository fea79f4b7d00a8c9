import type { Config } from '../../config';
import { GatewayClient } from '../../gateway-client';

/** The gateway answers, and Temporal and the store answer it. */
export function checkGateway(config: Config): Promise<string> {
  return withGateway(config, async (gateway) => {
    await gateway.reach();
    return `${gateway.address} answers, and Temporal and the store answer it; commands talk to it alone (INFER_ONCE_GATEWAY_URL)`;
  });
}

/** It takes the key, or wants none. */
export function checkGatewayKey(config: Config): Promise<string> {
  return withGateway(config, async (gateway) => {
    await gateway.list({ limit: 1 });
    return config.gatewayKey === undefined ? 'none is wanted' : 'the one of INFER_ONCE_GATEWAY_KEY is taken';
  });
}

async function withGateway<T>(
  { gatewayUrl, gatewayKey: key }: Config,
  look: (gateway: GatewayClient) => Promise<T>,
): Promise<T> {
  const gateway = new GatewayClient({ url: gatewayUrl!, key });
  try {
    return await look(gateway);
  } finally {
    await gateway.close();
  }
}
