import { lookup } from 'node:dns/promises';
import { createServer, type RequestListener, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigInvalid, type Config } from '@sijill/platform';
import { answerClientError } from './http/framework-errors.js';

/** Whoever sends slower than this would keep others out, see admitEvents. */
const REQUEST_TIMEOUT_MS = 120_000;
const KEEP_ALIVE_MS = 72_000;

/**
 * The port of a server, bound from its start to its end. Who answers behind it can change meanwhile: no connection is refused, or
 * broken, when the routes take over from what answers before they are there.
 */
export class FrontDoor {
  private readonly servers: HttpServer[] = [];

  private constructor(private answer: RequestListener) {}

  /** @throws ConfigInvalid the port is taken, or not ours to take */
  static async open({ host, port }: Config['http'], answer: RequestListener): Promise<FrontDoor> {
    const door = new FrontDoor(answer);
    // Of a name with several addresses each is bound, as far as the machine has it.
    const [address = host, ...others] = host === 'localhost' ? await addressesOf(host) : [host];
    try {
      await door.bind(address, port);
    } catch (error) {
      throw notOurs(error, host, port);
    }
    for (const other of others) await door.bind(other, door.port).catch(() => undefined);
    return door;
  }

  /** For the framework, which is handed what it would make itself. */
  get server(): HttpServer {
    return this.servers[0]!;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on requests are answered so; those under way by whom they were begun. */
  handTo(answer: RequestListener): void {
    this.answer = answer;
  }

  closeIdleConnections(): void {
    for (const server of this.servers) server.closeIdleConnections();
  }

  closeAllConnections(): void {
    for (const server of this.servers) server.closeAllConnections();
  }

  /** Takes no new connections, and waits until those that are there have ended. */
  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  private async bind(host: string, port: number): Promise<void> {
    const server = createServer((request, response) => this.answer(request, response));
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    server.on('clientError', answerClientError);
    await listen(server, host, port);
    this.servers.push(server);
  }
}

async function addressesOf(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}

function listen(server: HttpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function notOurs(error: unknown, host: string, port: number): unknown {
  const why = { EADDRINUSE: 'is taken', EACCES: 'may not be used', EADDRNOTAVAIL: 'is not on this machine' };
  const code = (error as NodeJS.ErrnoException).code as keyof typeof why | undefined;
  if (code === undefined || why[code] === undefined) return error;
  return new ConfigInvalid([
    `${host}:${port} ${why[code]}; set SIJILL_HTTP_PORT (0 takes a free port) or SIJILL_HTTP_HOST`,
  ]);
}
