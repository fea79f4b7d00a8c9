import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { openAgent } from '../../provider/wire';
import type { Endpoint } from '../../tasks/task';
import type { GatewayOptions } from '../deps';
import { HttpError } from '../http/http-error';
import { logFault } from '../http/log-fault';
import { refuseOtherMethods } from '../http/methods';
import { keyedRoute, ModelParams, passedRoute, readRoute } from '../openapi/openai';
import { isKeyed, takeJsonOrStream } from './body';
import { codeOf, errorOf, sendError } from './errors';
import { answerKeyed } from './keyed';
import { passThrough } from './pass-through';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Set on routes that know no jobs. */
    passThrough?: boolean;
  }
}

/** Whether a path is one of OpenAI's, whose clients read errors in its shape alone. */
export function isOpenAiPath(url: string): boolean {
  return /^\/v1\/(chat|responses|embeddings|models)\b/.test(url);
}

/**
 * The routes of the OpenAI API, for any of its SDKs with `base_url` set: a request with an `Idempotency-Key` is
 * the job of that id, every other one is passed through, once.
 */
export const openaiRoutes: FastifyPluginAsync<GatewayOptions> = async (app, { deps }) => {
  const agent = openAgent();
  // by then every caller has been answered, or has gone
  app.addHook('onClose', () => agent.destroy());
  takeJsonOrStream(app, app.initialConfig.bodyLimit!);
  app.setErrorHandler((error, request, reply) => {
    const answer = errorOf(error);
    if (!reply.raw.destroyed)
      logFault(deps.log, request, error, { status: answer.status, code: codeOf(answer) });
    return sendError(reply, answer);
  });

  // bodies are the provider's to judge, and may be streams: what is described is not validated
  app.setValidatorCompiler(() => () => true);
  const addRefusals = refuseOtherMethods(app);

  const pass = (path: string) => (request: FastifyRequest, reply: FastifyReply) =>
    passThrough(deps, agent, path, request, reply);
  const serve = (path: string, endpoint: Endpoint, summary: string) =>
    app.post(`/v1${path}`, { schema: keyedRoute(summary) }, (request, reply) =>
      isKeyed(request) ? answerKeyed(deps, endpoint, request, reply) : pass(path)(request, reply),
    );
  serve('/chat/completions', 'chat.completions', 'A chat completion: a job where it has an Idempotency-Key');
  serve('/responses', 'responses', 'A response: a job where it has an Idempotency-Key');
  app.post(
    '/v1/embeddings',
    { config: { passThrough: true }, schema: passedRoute('Passed through, once') },
    pass('/embeddings'),
  );
  app.get('/v1/models', { schema: readRoute("The provider's models") }, pass('/models'));
  app.get<{ Params: { model: string } }>(
    '/v1/models/:model',
    { schema: { ...readRoute("One of the provider's models"), params: ModelParams } },
    (request, reply) => {
      const { model } = request.params;
      // no request chooses another path of the provider
      if (/^\.{0,2}$/.test(model))
        throw new HttpError(404, 'no_such_route', 'No such route', 'No such model.');
      return pass(`/models/${encodeURIComponent(model)}`)(request, reply);
    },
  );
  addRefusals();
};
