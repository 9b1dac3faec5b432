import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/**
 * Loopback ports nobody listens on, all different. They are let go before the caller binds them, so a stranger may
 * take one in between; a start that fails for that reason is worth one more try.
 */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  for (let i = 0; i < count; i++) {
    const server = createServer();
    held.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const ports = held.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(held.map((server) => once(server.close(), 'close')));
  return ports;
}
