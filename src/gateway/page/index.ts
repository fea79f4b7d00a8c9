import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { FastifyPluginAsync } from 'fastify';
import type { GatewayOptions } from '../deps';

const FOLDER = join(__dirname, 'static');
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing but the page's own files; no script in the markup, and no text that is made markup (Trusted Types). */
const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join('; ');

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // a new version of the gateway brings a new page
  'cache-control': 'no-cache',
};

/** What the page has to know before it shows anything; it is told with a key only, where there are keys. */
export interface PageSettings {
  /** Whose jobs the key shows; null = those without a tenant. */
  tenant: string | null;
  has_keys: boolean;
  /** The tasks that this gateway knows. */
  tasks: string[];
  /** See `GatewayDeps.runsUrl`. */
  runs_url: string | null;
}

/**
 * `GET /`: the built-in page, which works on `/v1/jobs` as any client does, and its files under `/page/`. They
 * hold nothing of any job and are public; each has a route of its own, so that no path leads anywhere else.
 */
export const pageRoutes: FastifyPluginAsync<GatewayOptions> = async (app, { deps }) => {
  for (const name of readdirSync(FOLDER)) {
    const file = readFileSync(join(FOLDER, name));
    const headers = { ...HEADERS, 'content-type': TYPES[extname(name)]! };
    const url = name === 'index.html' ? '/' : `/page/${name}`;
    app.get(url, { config: { isPublic: true } }, async (_, reply) => reply.headers(headers).send(file));
  }
  // the page's own affair, which changes with it: in no description of the API
  app.get('/page/settings', { schema: { hide: true } }, async (request, reply) => {
    const { tenant } = request;
    const settings: PageSettings = {
      tenant,
      has_keys: deps.keys !== null,
      tasks: deps.tasks.names(),
      runs_url: deps.runsUrl,
    };
    return reply.header('cache-control', 'no-store').send(settings);
  });
};
