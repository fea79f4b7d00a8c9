export { GatewayClient, type GatewayClientOptions } from './gateway-client';
