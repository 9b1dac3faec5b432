import type { RequestListener } from 'node:http';
import { DiscoveryService, MetadataScanner, NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { asyncApiDocument } from '@sijill/contracts';
import { decodeJson } from '@sijill/intake';
import type { Ledger } from '@sijill/ledger';
import type { Config, Metrics } from '@sijill/platform';
import { assertEveryRouteHasPolicy } from './access/route-policy.js';
import type { ClockNote } from './clock-note.js';
import type { FrontDoor } from './front-door.js';
import { admitEvents } from './http/admission.js';
import { readCosignRequests } from './http/cosign-requests.js';
import { inheritedName } from './http/inherited-name.js';
import { answerFrameworkError, sendProblem } from './http/framework-errors.js';
import { Problem } from './http/problem.js';
import { nestLogger } from './nest-logger.js';
import { openApiDocument } from './openapi.js';
import { Documents } from './routes/documents.controller.js';
import type { RunningRoles } from './running-roles.js';
import { ServerModule } from './server.module.js';

/** A ledger that is open, and the roles over it. */
export interface Opened {
  readonly ledger: Ledger;
  readonly roles: RunningRoles;
  readonly clock: ClockNote;
}

export interface AppOptions {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly version: string;
  /** What hears the requests; the routes are handed to it once they are to be answered. */
  readonly door: FrontDoor;
  /** Aborted when the server begins to stop. */
  readonly stopping: AbortSignal;
}

/**
 * The routes over an open ledger, and what answers requests with them.
 *
 * @throws RouteWithoutPolicy
 */
export async function buildApp(
  { ledger, roles, clock }: Opened,
  { config, metrics, version, door, stopping }: AppOptions,
): Promise<{ app: NestFastifyApplication; handler: RequestListener }> {
  const documents = new Documents();
  let handler: RequestListener | null = null;
  const app = await NestFactory.create<NestFastifyApplication>(
    ServerModule.of(ledger, roles, documents, clock),
    new FastifyAdapter({
      bodyLimit: config.limits.bodyBytes,
      routerOptions: { maxParamLength: 1000 },
      // A HEAD would be carried out as the GET of its address, and use up what can be fetched once.
      exposeHeadRoutes: false,
      // We answer ourselves while stopping, see below.
      return503OnClosing: false,
      frameworkErrors: answerFrameworkError as never,
      serverFactory: (routes: RequestListener) => {
        handler = routes;
        return door.server;
      },
      // The door's own answer to these.
      clientErrorHandler: () => undefined,
    }),
    { logger: nestLogger(ledger.logger), abortOnError: false, bodyParser: false },
  );
  assertEveryRouteHasPolicy(app.get(DiscoveryService), new MetadataScanner(), app.get(Reflector));
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addHook('onRequest', (request, reply, done) => {
    if (stopping.aborted) {
      // The connection ends with this answer: a sender that still writes would see it break in place of the answer.
      request.raw.once('end', () => sendProblem(reply, Problem.stopping())).resume();
    } else if (!['identity', undefined].includes(request.headers['content-encoding'])) {
      const detail = 'bodies are read as they are; send this one without Content-Encoding';
      sendProblem(reply, new Problem(415, 'unsupported-media-type', 'Unsupported media type', detail));
    } else done();
  });
  admitEvents(fastify, config.limits, metrics);
  fastify.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: config.limits.bodyBytes },
    (_, body: Buffer, done) => {
      // Some clients name the type and send nothing.
      if (body.length === 0) return done(null, undefined);
      const decoded = decodeJson(body);
      if ('error' in decoded) return done(Problem.invalid([decoded.error], decoded.error.message));
      if (decoded.faults.length > 0) return done(Problem.invalid([...decoded.faults]));
      const name = inheritedName(decoded.value);
      return name === null
        ? done(null, decoded.value)
        : done(Problem.invalid([{ path: name, code: 'unknown_field', message: 'is not known here; leave it out' }]));
    },
  );
  // The bytes are judged by the route: what is not UTF-8 must not be mended on the way.
  for (const type of ['application/cloudevents+json', 'application/cloudevents-batch+json']) {
    fastify.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit: config.limits.bodyBytes }, (_, body, done) =>
      done(null, body),
    );
  }
  if (ledger.witness !== null) readCosignRequests(fastify);
  fastify.addHook('onSend', async (_, reply) => {
    if (stopping.aborted) reply.header('connection', 'close');
    // Answers are about people, unless a route says that anybody may keep its own.
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  });
  fastify.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    metrics.httpSeconds.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  documents.makers = {
    openApi: () => openApiDocument(app, version),
    asyncApi: () =>
      asyncApiDocument({
        version,
        topics: config.kafka?.topics.map(({ topic }) => topic) ?? ['privacy.activity'],
        group: config.kafka?.group ?? 'sijill-intake',
      }),
  };
  SwaggerModule.setup('docs', app, () => documents.of('openApi') as never, { customSiteTitle: 'Sijill API' });
  await app.init();
  await fastify.ready();
  return { app, handler: handler! };
}
