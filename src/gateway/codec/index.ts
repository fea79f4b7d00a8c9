import type { Payload } from '@temporalio/common';
import type { FastifyPluginAsync } from 'fastify';
import { z } from 'zod';
import { EncryptionCodec } from '../../encryption/payload-codec';
import type { GatewayDeps, GatewayOptions } from '../deps';
import { HttpError } from '../http/http-error';
import { CodecAccess } from './access';
import { SIGN_IN_PAGE, SIGNED_IN_PAGE } from './sign-in-page';

/** `temporal.api.common.v1.Payloads` as JSON: bytes are base64 (https://protobuf.dev/programming-guides/json/). */
const Payloads = z.object({
  payloads: z.array(
    z.object({ metadata: z.record(z.string(), z.string()).optional(), data: z.string().optional() }),
  ),
});

type JsonPayload = z.infer<typeof Payloads>['payloads'][number];

/** True where the gateway serves a codec: it has keys, and somebody is allowed to use them. */
export function servesCodec({ store, config }: GatewayDeps): boolean {
  return Boolean(store.encryption) && config.gateway.codecToken !== undefined;
}

/**
 * Temporal's remote codec protocol (https://docs.temporal.io/codec-server), so that Temporal UI and the `temporal`
 * program show what is sealed to those who have the codec token; `/codec` in a browser takes the token for a cookie.
 */
export const codecRoutes: FastifyPluginAsync<GatewayOptions> = async (app, { deps }) => {
  const { store, config, log } = deps;
  const codec = new EncryptionCodec(store.encryption!);
  const access = new CodecAccess(config.gateway.codecToken!, config.gateway.codecOrigins);
  // the tenants' keys say nothing here: what is decoded may be anybody's
  const shared = { config: { isPublic: true }, schema: { hide: true } };
  const forPages = { ...shared, config: { isPublic: true, checksOrigin: true } };

  for (const act of ['encode', 'decode'] as const) {
    const url = `/codec/${act}`;
    app.options(url, forPages, async (request, reply) => {
      access.allowPage(request, reply);
      return reply
        .code(204)
        .header('access-control-allow-methods', 'POST')
        .header('access-control-allow-headers', request.headers['access-control-request-headers'] ?? '')
        .header('access-control-max-age', '600')
        .send();
    });
    const onRequest = async (...[request, reply]: Parameters<typeof access.allowPage>) => {
      access.allowPage(request, reply);
      access.check(request);
    };
    app.post(url, { ...forPages, onRequest }, async (request, reply) => {
      const payloads = readPayloads(request.body);
      const changed = await codec[act](payloads.map(fromJson));
      log.info({ payloads: changed.length }, act === 'decode' ? 'payloads decoded' : 'payloads encoded');
      reply.header('cache-control', 'no-store');
      return { payloads: changed.map(toJson) };
    });
  }

  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  );
  const page = (reply: { header(name: string, value: string): unknown }) => {
    reply.header('content-type', 'text/html; charset=utf-8');
    reply.header('content-security-policy', "default-src 'none'; form-action 'self'; frame-ancestors 'none'");
    reply.header('cache-control', 'no-store');
  };
  app.get('/codec', { ...shared, serializerCompiler: () => String }, async (_, reply) => {
    page(reply);
    return SIGN_IN_PAGE;
  });
  app.post('/codec', { ...shared, serializerCompiler: () => String }, async (request, reply) => {
    const { token } = (request.body ?? {}) as { token?: unknown };
    page(reply);
    if (typeof token === 'string' && access.signIn(reply, token)) return SIGNED_IN_PAGE;
    return reply.code(401).send(SIGN_IN_PAGE);
  });
};

function readPayloads(body: unknown): JsonPayload[] {
  const parsed = Payloads.safeParse(body);
  if (parsed.success) return parsed.data.payloads;
  throw HttpError.bad('invalid_payloads', 'The body is not {"payloads": [{"metadata": …, "data": …}]}.');
}

function fromJson({ metadata = {}, data = '' }: JsonPayload): Payload {
  const bytes = Object.entries(metadata).map(([name, text]) => [name, Buffer.from(text, 'base64')]);
  return { metadata: Object.fromEntries(bytes), data: Buffer.from(data, 'base64') };
}

function toJson({ metadata, data }: Payload): JsonPayload {
  const texts = Object.entries(metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)]);
  return { metadata: Object.fromEntries(texts), data: base64(data) };
}

function base64(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('base64');
}
