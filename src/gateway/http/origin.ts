import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopback } from '../loopback';
import { HttpError } from './http-error';

/**
 * Refuses what a web page of another origin sends by the browser of somebody who can reach the gateway. Two
 * checks, both on headers that no page can set (Fetch standard, "forbidden request-header"):
 *
 * - 403 `foreign_origin`: `Origin` is not the gateway's own, or `Sec-Fetch-Site` says that another site or
 *   origin asks (W3C Fetch Metadata; OWASP, Cross-Site Request Forgery Prevention). A link that somebody
 *   follows to a public page is let through: it reads, and the other page is gone. Programs send neither header.
 * - 421 `foreign_host`: a gateway that takes everybody on this machine is asked by another name than a loopback
 *   one. That is DNS rebinding: a page's own name is made to point to 127.0.0.1, and to the browser the gateway
 *   is that page's origin (Jackson et al., Protecting Browsers from DNS Rebinding Attacks, CCS 2007: servers
 *   check `Host`). An address can't be rebound, so every loopback one will do.
 *
 * @param options.anyHost - true where keys guard the gateway, under whatever name it is reached
 */
export function refuseOtherOrigins(app: FastifyInstance, { anyHost }: { anyHost: boolean }): void {
  app.addHook('onRequest', (request, _, done) => {
    if (!anyHost && !isLoopback(hostName(request.headers.host))) throw foreignHost();
    if (isForeign(request) && !request.routeOptions.config.checksOrigin) throw foreignOrigin();
    done();
  });
}

function isForeign(request: FastifyRequest): boolean {
  const { origin, host, 'sec-fetch-site': site } = request.headers;
  if (origin !== undefined && !isOwn(origin, host)) return true;
  if (site === undefined || site === 'same-origin' || site === 'none') return false;
  return !isFollowedLink(request);
}

/** The scheme is left aside: before a proxy that ends TLS it is another one; so is its port where it goes without saying. */
function isOwn(origin: string, host: string | undefined): boolean {
  const protocol = /^https?:/.exec(origin)?.[0];
  const own = `${protocol}//${host}`;
  if (!protocol || !URL.canParse(origin) || !URL.canParse(own)) return false;
  return new URL(origin).host === new URL(own).host;
}

function isFollowedLink({ method, headers, routeOptions }: FastifyRequest): boolean {
  const isNavigation = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return method === 'GET' && isNavigation && routeOptions.config.isPublic === true;
}

/** The name or address in a `Host` header, without brackets and port; '' where there is none. */
function hostName(header = ''): string {
  const [, inBrackets, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? [];
  return inBrackets ?? name;
}

function foreignOrigin(): HttpError {
  const message =
    "A web page of another origin sent this request, and the gateway takes its own page's only; call it from a program.";
  return new HttpError(403, 'foreign_origin', 'Another origin asks', message);
}

function foreignHost(): HttpError {
  const message =
    'Without keys the gateway answers as 127.0.0.1 or localhost only; ask it by that name, or give it keys (infer-once keys add TENANT).';
  return new HttpError(421, 'foreign_host', 'The gateway has no such name', message);
}
