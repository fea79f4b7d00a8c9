import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { OpenAPIV3_1 } from 'openapi-types';
import { OPENAI_TAG } from './openai';
import { described } from './registry';

const DESCRIPTION =
  'Jobs that ask a model once: the job_id is the idempotency key. The same id with the same input joins or replays, with another it is refused (422).';

/** Describes every route that has a tag, at `/openapi.json`, and shows it at `/docs`. Goes before the routes. */
export function addDocument(app: FastifyInstance, { hasKeys }: { hasKeys: boolean }): void {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8'));
  const bearer = { type: 'http', scheme: 'bearer', description: 'A key of infer-once keys add.' } as const;
  const addComponents = createJsonSchemaTransformObject({ schemaRegistry: described });
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'infer-once', version, description: DESCRIPTION },
      ...(hasKeys && { components: { securitySchemes: { key: bearer } }, security: [{ key: [] }] }),
    },
    hideUntagged: true,
    transform: createJsonSchemaTransform({ schemaRegistry: described }),
    transformObject: (document) => describeHeaders(addComponents(document) as OpenAPIV3_1.Document),
  });
  app.register(async (open) => {
    open.addHook('onRoute', (route) => {
      route.config = { ...route.config, isPublic: true };
    });
    open.get('/openapi.json', async (_, reply) => reply.send(app.swagger()));
    await open.register(swaggerUi, { routePrefix: '/docs' });
  });
}

const header = (description: string, required = true): OpenAPIV3_1.HeaderObject => ({
  description,
  required,
  schema: { type: 'string' },
});

const RETRY_AFTER = { 'Retry-After': header('In how many seconds to come back.') };
const RETRY_PERHAPS = { 'Retry-After': header('In how many seconds to come back.', false) };
const REPLAYED = header('true where the answer is a settled job’s record.', false);

/** Headers by status; those of every answer with it. */
const HEADERS: Record<string, Record<string, OpenAPIV3_1.HeaderObject>> = {
  200: { 'Idempotent-Replayed': REPLAYED },
  202: { Location: header('Where the job is.'), ...RETRY_AFTER },
  401: { 'WWW-Authenticate': header('Bearer') },
  429: RETRY_AFTER,
  503: RETRY_AFTER,
};

/** The zod schemas of answers know no headers. */
function describeHeaders(document: OpenAPIV3_1.Document): OpenAPIV3_1.Document {
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path ?? {}) as OpenAPIV3_1.OperationObject[]) {
      // when to come back is the provider's to say there
      const isPassed = operation.tags?.includes(OPENAI_TAG);
      for (const [status, response] of Object.entries(operation.responses ?? {})) {
        const headers = isPassed && HEADERS[status] === RETRY_AFTER ? RETRY_PERHAPS : HEADERS[status];
        if (headers) Object.assign(response, { headers });
      }
    }
  }
  return document;
}
