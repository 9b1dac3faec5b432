import 'reflect-metadata';
import { createServer, type Server as HttpServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { assertProducersKnown } from '@sijill/access';
import { nodeLane } from '@sijill/event-store';
import { openLedger, recordedUntil, recordSettings } from '@sijill/ledger';
import { Metrics, orAborted, rest, sharesVaultDatabase, within, type Config, type Logger } from '@sijill/platform';
import { buildApp, type Opened } from './build-app.js';
import { ClockNote } from './clock-note.js';
import { FrontDoor } from './front-door.js';
import { RunningRoles } from './running-roles.js';
import { announce, assertNoOtherServer, withdraw } from './server-file.js';
import { Starting } from './starting.js';

const LAST_REQUESTS = { turns: 5, turnMs: 50 };
/**
 * So long each part may take to stop, in this order. What does not stop in time is left: what was accepted is durable, and a process that
 * is killed loses nothing.
 */
const STOP_MS = { requests: 5_000, roles: 10_000, lastAnswers: 250, routes: 1_000, ledger: 2_000 };
const VERDICT_EVERY_MS = 25;

export interface RunningServer {
  readonly url: string;
  /** Drains what is under way, closes everything and removes the announcement. */
  stop(): Promise<void>;
}

/**
 * Starts a server on a configuration and announces it in the data directory once it is ready. Its port is bound from the start: what it
 * needs and is away is waited for, and until it is there `/health/ready` says what that is.
 *
 * @param signal ends the start, and what there is of it
 * @returns null when the signal came before the server was ready
 * @throws AlreadyRunning | ConfigInvalid | KeyringUnusable | VaultLost | KeyFileUnusable | StoreRefused | ProducersUnknown |
 *   RouteWithoutPolicy, and whatever else waiting cannot mend
 */
export async function startServer(
  config: Config,
  logger: Logger,
  version: string,
  signal: AbortSignal,
): Promise<RunningServer | null> {
  await assertNoOtherServer(config.dataDir);
  const metrics = new Metrics();
  metrics.collectProcess();
  const starting = new Starting(logger);
  const door = await FrontDoor.open(config.http, starting.answer);
  const stopping = new AbortController();
  const parts: Parts = { door, app: null, metricsServer: null, opened: null };
  try {
    const opening = starting.whenThere(() => openAll(config, { logger, metrics, starting }), signal);
    const opened = await orAborted(opening, signal);
    if (opened === null) {
      // What it was asking may not answer for a while, and nothing was begun that has to be ended.
      opening.then((late) => late && closeOpened(late)).catch(() => undefined);
      await stopAll(parts, stopping);
      return null;
    }
    parts.opened = opened;
    const { roles } = opened;
    const { app, handler } = await buildApp(opened, { config, metrics, version, door, stopping: stopping.signal });
    parts.app = app;
    roles.start();
    door.handTo(handler);
    const host = config.http.host.includes(':') ? `[${config.http.host}]` : config.http.host;
    const url = `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${door.port}`;
    if (config.metricsPort !== null) parts.metricsServer = serveMetrics(metrics, config.http.host, config.metricsPort);
    // Before the store was compared with what was signed, nobody can say that it is ready.
    while (roles.health().notary?.state === 'starting' && !signal.aborted) await rest(VERDICT_EVERY_MS, signal);
    if (signal.aborted) {
      await stopAll(parts, stopping);
      return null;
    }
    await announce(config.dataDir, { url, pid: process.pid, startedAt: new Date().toISOString(), version });
    logger.info({ url, roles: config.roles, store: opened.ledger.store.kind }, 'sijill is ready');
    return {
      url,
      stop: async () => {
        try {
          await stopAll(parts, stopping);
        } finally {
          await withdraw(config.dataDir, process.pid);
        }
      },
    };
  } catch (error) {
    await stopAll(parts, stopping).catch(() => undefined);
    throw error;
  }
}

/** Opens the ledger and makes the roles ready, all of it or nothing. Nothing runs yet. */
async function openAll(
  config: Config,
  { logger, metrics, starting }: { logger: Logger; metrics: Metrics; starting: Starting },
): Promise<Opened> {
  // While this one waited, another may have come.
  await assertNoOtherServer(config.dataDir);
  const ledger = await openLedger(config, {
    logger,
    metrics,
    ownLane: nodeLane(config.nodeId),
    roles: config.roles,
    onOpening: (part) => starting.opening(part),
  });
  let roles: RunningRoles | null = null;
  try {
    starting.opening('store');
    const clock = new ClockNote(ledger.clock, config, await recordedUntil(ledger.store));
    const { clock: noted } = clock.now();
    if (noted !== undefined) logger.warn(noted, 'look at the clock before anything is recorded by it');
    if (config.mode === 'production' && sharesVaultDatabase(config))
      logger.warn('the vault shares a database with the read models; give it one of its own (SIJILL_VAULT_DATABASE)');
    starting.opening('database');
    await assertProducersKnown(config, ledger.producers, ledger.keys);
    starting.opening('store');
    roles = await RunningRoles.prepare(ledger);
    // Last, so that a start that has to be tried again is not recorded each time.
    await recordSettings(ledger);
    await ledger.reports.resume();
    return { ledger, roles, clock };
  } catch (error) {
    await roles?.stop().catch(() => undefined);
    await ledger.close().catch(() => undefined);
    throw error;
  }
}

async function closeOpened({ roles, ledger }: Opened): Promise<void> {
  await roles.stop().catch(() => undefined);
  await ledger.close();
}

interface Parts {
  readonly door: FrontDoor;
  app: NestFastifyApplication | null;
  metricsServer: HttpServer | null;
  opened: Opened | null;
}

/** Stops what there is. One part that does not close keeps neither the others from draining nor the process from ending. */
async function stopAll({ door, app, metricsServer, opened }: Parts, stopping: AbortController): Promise<void> {
  stopping.abort();
  // What is on its way over connections that look idle here is answered before they are closed. One long wait could end before
  // anything was read: on a machine with much to do it may be over when the event loop comes round to it, and timers come first.
  for (let turn = 0; app !== null && turn < LAST_REQUESTS.turns; turn++) await sleep(LAST_REQUESTS.turnMs);
  // Clients keep connections open for the next request, and a server waits for every one of them: those that are answered
  // after the stop has begun are closed with their answer, and what falls between the two here.
  const sweep = setInterval(() => door.closeIdleConnections(), 100);
  const failures: unknown[] = [];
  const left: string[] = [];
  const inTime = async (part: keyof typeof STOP_MS, close: () => unknown): Promise<boolean> => {
    const closed = Promise.resolve().then(close);
    const isClosed = closed.then(
      () => true,
      (error: unknown) => {
        failures.push(error);
        return true;
      },
    );
    return within(STOP_MS[part], isClosed, () => false);
  };
  const stop = async (part: keyof typeof STOP_MS, close: () => unknown): Promise<void> => {
    if (!(await inTime(part, close))) left.push(part);
  };
  const answered = door.close();
  // Those that are not answered by then wait for what may never come: what they handed over is refused, and they are told so.
  await inTime('requests', () => answered);
  await stop('roles', () => opened?.roles.stop());
  await stop('lastAnswers', () => answered);
  door.closeAllConnections();
  await stop('routes', () => app?.close());
  metricsServer?.close();
  await stop('ledger', () => opened?.ledger.close());
  clearInterval(sweep);
  if (failures.length > 0) throw failures[0] as Error;
  if (left.length > 0) throw new StopTimedOut(`these did not stop in time, and were left: ${left.join(', ')}`);
}

/** Something did not stop in time and was left as it was. */
class StopTimedOut extends Error {
  override readonly name = 'StopTimedOut';
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
