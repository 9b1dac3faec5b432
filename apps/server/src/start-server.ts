import 'reflect-metadata';
import { createServer, type Server as HttpServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { DiscoveryService, MetadataScanner, NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { assertProducersKnown } from '@sijill/access';
import { asyncApiDocument } from '@sijill/contracts';
import { decodeJson } from '@sijill/intake';
import { nodeLane } from '@sijill/event-store';
import { openLedger, recordedUntil, recordSettings } from '@sijill/ledger';
import { ConfigInvalid, Metrics, sharesVaultDatabase, type Config, type Logger } from '@sijill/platform';
import { assertEveryRouteHasPolicy } from './access/route-policy.js';
import { ClockNote } from './clock-note.js';
import { admitEvents } from './http/admission.js';
import { readCosignRequests } from './http/cosign-requests.js';
import { answerClientError, answerFrameworkError, sendProblem } from './http/framework-errors.js';
import { Problem } from './http/problem.js';
import { nestLogger } from './nest-logger.js';
import { openApiDocument } from './openapi.js';
import { Documents } from './routes/documents.controller.js';
import { RunningRoles } from './running-roles.js';
import { announce, assertNoOtherServer, withdraw } from './server-file.js';
import { ServerModule } from './server.module.js';

const LAST_REQUESTS = { turns: 5, turnMs: 50 };

export interface RunningServer {
  readonly url: string;
  /** Drains what is under way, closes everything and removes the announcement. */
  stop(): Promise<void>;
}

/**
 * Starts a server on a configuration and announces it in the data directory once it answers.
 *
 * @throws AlreadyRunning | KeyringUnusable | VaultLost | SignerFailed | StoreUnavailable | StoreRefused | DatabaseUnavailable | RouteWithoutPolicy
 */
export async function startServer(config: Config, logger: Logger, version: string): Promise<RunningServer> {
  await assertNoOtherServer(config.dataDir);
  const metrics = new Metrics();
  metrics.collectProcess();
  const ownLane = nodeLane(config.nodeId);
  const ledger = await openLedger(config, { logger, metrics, ownLane, roles: config.roles });
  let app: NestFastifyApplication | null = null;
  let metricsServer: HttpServer | null = null;
  let roles: RunningRoles | null = null;
  let stopping = false;
  // One part that does not close must not keep the others from draining.
  const stopAll = async (): Promise<void> => {
    stopping = true;
    // What is on its way over connections that look idle here is answered before they are closed. One long wait could end before
    // anything was read: on a machine with much to do it may be over when the event loop comes round to it, and timers come first.
    for (let turn = 0; app !== null && turn < LAST_REQUESTS.turns; turn++) await sleep(LAST_REQUESTS.turnMs);
    // Clients keep connections open for the next request, and a server waits for every one of them: those that are answered
    // after the stop has begun are closed with their answer, and what falls between the two here.
    const http = app?.getHttpServer() as HttpServer | undefined;
    const sweep = setInterval(() => http?.closeIdleConnections(), 100);
    const failures: unknown[] = [];
    for (const close of [() => app?.close(), () => metricsServer?.close(), () => roles?.stop(), () => ledger.close()]) {
      await Promise.resolve()
        .then<unknown>(close)
        .catch((error: unknown) => failures.push(error));
    }
    clearInterval(sweep);
    if (failures.length > 0) throw failures[0] as Error;
  };
  try {
    const clock = new ClockNote(ledger.clock, config, await recordedUntil(ledger.store));
    const { clock: noted } = clock.now();
    if (noted !== undefined) logger.warn(noted, 'look at the clock before anything is recorded by it');
    if (config.mode === 'production' && sharesVaultDatabase(config))
      logger.warn('the vault shares a database with the read models; give it one of its own (SIJILL_VAULT_DATABASE)');
    await assertProducersKnown(config, ledger.producers, ledger.keys);
    await recordSettings(ledger);
    roles = await RunningRoles.prepare(ledger);
    const documents = new Documents();
    app = await NestFactory.create<NestFastifyApplication>(
      ServerModule.of(ledger, roles, documents, clock),
      new FastifyAdapter({
        bodyLimit: config.limits.bodyBytes,
        routerOptions: { maxParamLength: 1000 },
        forceCloseConnections: 'idle',
        // A HEAD would be carried out as the GET of its address, and use up what can be fetched once.
        exposeHeadRoutes: false,
        // Whoever sends slower than this would keep others out, see admitEvents.
        requestTimeout: 120_000,
        // We answer ourselves while stopping, see below.
        return503OnClosing: false,
        frameworkErrors: answerFrameworkError as never,
        clientErrorHandler: answerClientError,
      }),
      { logger: nestLogger(logger), abortOnError: false, bodyParser: false },
    );
    assertEveryRouteHasPolicy(app.get(DiscoveryService), new MetadataScanner(), app.get(Reflector));
    const fastify = app.getHttpAdapter().getInstance();
    fastify.addHook('onRequest', (request, reply, done) => {
      if (stopping) {
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
        return 'error' in decoded
          ? done(Problem.invalid([decoded.error], decoded.error.message))
          : done(null, decoded.value);
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
      if (stopping) reply.header('connection', 'close');
    });
    fastify.addHook('onResponse', async (request, reply) => {
      const route = request.routeOptions.url ?? 'none';
      metrics.httpSeconds.observe(
        { method: request.method, route, status: reply.statusCode },
        reply.elapsedTime / 1000,
      );
    });
    const routes = app;
    documents.makers = {
      openApi: () => openApiDocument(routes, version),
      asyncApi: () =>
        asyncApiDocument({
          version,
          topics: config.kafka?.topics.map(({ topic }) => topic) ?? ['privacy.activity'],
          group: config.kafka?.group ?? 'sijill-intake',
        }),
    };
    SwaggerModule.setup('docs', app, () => documents.of('openApi') as never, { customSiteTitle: 'Sijill API' });
    roles.start();
    await ledger.reports.resume();
    await listen(app, config.http);
    const address = fastify.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : config.http.port;
    const host = config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host;
    const url = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`;
    if (config.metricsPort !== null) metricsServer = serveMetrics(metrics, config.http.host, config.metricsPort);
    await announce(config.dataDir, { url, pid: process.pid, startedAt: new Date().toISOString(), version });
    logger.info({ url, roles: config.roles, store: ledger.store.kind }, 'sijill is ready');
    return {
      url,
      stop: async () => {
        await stopAll();
        await withdraw(config.dataDir, process.pid);
      },
    };
  } catch (error) {
    await stopAll().catch(() => undefined);
    throw error;
  }
}

/** @throws ConfigInvalid the port is taken, or not ours to take */
async function listen(app: NestFastifyApplication, { host, port }: Config['http']): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const why = { EADDRINUSE: 'is taken', EACCES: 'may not be used', EADDRNOTAVAIL: 'is not on this machine' };
    const code = (error as NodeJS.ErrnoException).code as keyof typeof why | undefined;
    if (code === undefined || why[code] === undefined) throw error;
    throw new ConfigInvalid([
      `${host}:${port} ${why[code]}; set SIJILL_HTTP_PORT (0 takes a free port) or SIJILL_HTTP_HOST`,
    ]);
  }
}

function serveMetrics(metrics: Metrics, host: string, port: number): HttpServer {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    void metrics.registry.metrics().then((text) => {
      response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text);
    });
  });
  return server.listen(port, host);
}
