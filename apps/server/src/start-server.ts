import 'reflect-metadata';
import { createServer, type Server as MetricsServer } from 'node:http';
import { DiscoveryService, MetadataScanner, NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import { assertEveryRouteHasPolicy } from '@sijill/access';
import { asyncApiDocument } from '@sijill/contracts';
import { openLedger } from '@sijill/ledger';
import { Metrics, type Config, type Logger } from '@sijill/platform';
import { nestLogger } from './nest-logger.js';
import { openApiDocument } from './openapi.js';
import { Documents } from './routes/documents.controller.js';
import { RunningRoles } from './running-roles.js';
import { announce, assertNoOtherServer, withdraw } from './server-file.js';
import { ServerModule } from './server.module.js';

export interface RunningServer {
  readonly url: string;
  /** Drains what is under way, closes everything and removes the announcement. */
  stop(): Promise<void>;
}

/**
 * Starts a server on a configuration and announces it in the data directory once it answers.
 *
 * @throws AlreadyRunning | KeyringUnusable | StoreUnavailable | StoreRefused | DatabaseUnavailable | RouteWithoutPolicy
 */
export async function startServer(config: Config, logger: Logger, version: string): Promise<RunningServer> {
  await assertNoOtherServer(config.dataDir);
  const metrics = new Metrics();
  metrics.collectProcess();
  const ledger = await openLedger(config, { logger, metrics, ownLane: `ledger-service-${config.nodeId}` });
  let app: NestFastifyApplication | null = null;
  let metricsServer: MetricsServer | null = null;
  let roles: RunningRoles | null = null;
  const stopAll = async (): Promise<void> => {
    await app?.close();
    metricsServer?.close();
    await roles?.stop();
    await ledger.close();
  };
  try {
    roles = await RunningRoles.prepare(ledger);
    const documents = new Documents();
    app = await NestFactory.create<NestFastifyApplication>(
      ServerModule.of(ledger, roles, documents),
      new FastifyAdapter({
        bodyLimit: config.limits.bodyBytes,
        routerOptions: { maxParamLength: 1000 },
        forceCloseConnections: 'idle',
      }),
      { logger: nestLogger(logger), abortOnError: false },
    );
    assertEveryRouteHasPolicy(app.get(DiscoveryService), new MetadataScanner(), app.get(Reflector));
    const fastify = app.getHttpAdapter().getInstance();
    // The bytes are judged by the route: what is not UTF-8 must not be mended on the way.
    for (const type of ['application/cloudevents+json', 'application/cloudevents-batch+json']) {
      fastify.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit: config.limits.bodyBytes }, (_, body, done) =>
        done(null, body),
      );
    }
    fastify.addHook('onResponse', async (request, reply) => {
      const route = request.routeOptions.url ?? 'none';
      metrics.httpSeconds.observe(
        { method: request.method, route, status: reply.statusCode },
        reply.elapsedTime / 1000,
      );
    });
    documents.openApi = openApiDocument(app, version);
    documents.asyncApi = asyncApiDocument({
      version,
      topics: config.kafka?.topics.map(({ topic }) => topic) ?? ['privacy.activity'],
      group: config.kafka?.group ?? 'sijill-intake',
    });
    SwaggerModule.setup('docs', app, () => documents.openApi as never, { customSiteTitle: 'Sijill API' });
    roles.start();
    await app.listen({ host: config.http.host, port: config.http.port });
    const address = fastify.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : config.http.port;
    const host = config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host;
    const url = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`;
    if (config.metricsPort !== null) metricsServer = serveMetrics(metrics, config.http.host, config.metricsPort);
    await ledger.reports.resume();
    await announce(config.dataDir, { url, pid: process.pid, startedAt: new Date().toISOString(), version });
    logger.info({ url, roles: config.roles, store: ledger.store.kind }, 'sijill is ready');
    return {
      url,
      stop: async () => {
        await stopAll();
        await withdraw(config.dataDir);
      },
    };
  } catch (error) {
    await stopAll().catch(() => undefined);
    throw error;
  }
}

function serveMetrics(metrics: Metrics, host: string, port: number): MetricsServer {
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
