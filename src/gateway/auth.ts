import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose jobs this request may see and make; null = those without a tenant. */
    tenant: string | null;
  }
}

/** Names the tenant of each request. Without a keys file the caller's bearer is ignored: no tenant. */
export function addAuth(app: FastifyInstance): void {
  app.decorateRequest('tenant', null);
}
