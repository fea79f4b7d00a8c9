import Fastify, { type FastifyInstance } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { addAuth } from './auth';
import { codecRoutes, servesCodec } from './codec';
import type { GatewayDeps } from './deps';
import { eventRoutes } from './events';
import { healthRoutes } from './health';
import { HttpError } from './http/http-error';
import { takeJsonOnly } from './http/json-body';
import { addClosing } from './http/leave';
import { logFault } from './http/log-fault';
import { refuseOtherMethods } from './http/methods';
import { answerNoHttp } from './http/no-http';
import { refuseOtherOrigins } from './http/origin';
import { addWaiting } from './http/waiting';
import { jobRoutes } from './jobs';
import { addTiming, metricsRoutes } from './metrics';
import { isOpenAiPath, openaiRoutes } from './openai';
import { errorOf, sendError } from './openai/errors';
import { addDocument } from './openapi/document';
import { OPENAI_TAG } from './openapi/openai';
import { pageRoutes } from './page';
import { refusalOf, sendProblem } from './problem';
import { addTracing } from './tracing';

/** An input of 20 MiB, the most that a client takes, in its envelope. */
const BODY_LIMIT_BYTES = 20 * 1024 * 1024 + 64 * 1024;
/** Every path fits, so that an id that is too long meets the rule for ids; Node takes 16 KiB of headers. */
const MAX_PARAM_LENGTH = 16 * 1024;
/** Slow senders (slow loris) hold a connection no longer than this. */
const HEADERS_TIMEOUT_MS = 20_000;
const REQUEST_TIMEOUT_MS = 120_000;
/** Node looks for them every 30 s unless it is told. */
const CHECK_EVERY_MS = 2_000;

/**
 * The gateway's server with every route; `listen` starts it, `close` lets waiting requests answer.
 *
 * @example
 * const app = buildGateway(deps);
 * await app.listen({ port: 8080 });
 */
export function buildGateway(deps: GatewayDeps): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: CHECK_EVERY_MS },
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) =>
      isOpenAiPath(request.url) ? sendError(reply, errorOf(error)) : sendProblem(reply, refusalOf(error)),
    clientErrorHandler: answerNoHttp,
  });
  app.setValidatorCompiler((part) =>
    // headers are read by functions of their own, with sentences of their own
    part.httpPart === 'headers' ? () => true : validatorCompiler(part as never),
  );
  // what a test of the API's description finds amiss must not cost a caller the answer that was paid for
  app.setSerializerCompiler(() => JSON.stringify);
  takeJsonOnly(app);
  addClosing(app);
  addWaiting(app, deps.config.gateway.maxWaiting);
  addErrors(app, deps);
  addTiming(app, deps.metrics);
  if (deps.isTraced) addTracing(app);
  // before the keys: no page of another origin gets to guess at one, or to use one up
  refuseOtherOrigins(app, { anyHost: deps.keys !== null });
  addAuth(app, deps.keys);
  addDocument(app, { hasKeys: deps.keys !== null });
  const addRefusals = refuseOtherMethods(app, OPENAI_TAG);
  app.register(healthRoutes, { deps });
  app.register(metricsRoutes, { deps });
  app.register(jobRoutes, { deps });
  app.register(eventRoutes, { deps });
  app.register(openaiRoutes, { deps });
  app.register(pageRoutes, { deps });
  if (servesCodec(deps)) app.register(codecRoutes, { deps });
  app.after(addRefusals);
  return app;
}

function addErrors(app: FastifyInstance, { log }: GatewayDeps): void {
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error);
    const { status, code } = refusal.problem;
    logFault(log, request, error, { status, code });
    return sendProblem(reply, refusal);
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `There is no ${request.method} of this path; /openapi.json lists what there is.`;
    return sendProblem(reply, refusalOf(new HttpError(404, 'no_such_route', 'No such route', message)));
  });
}
