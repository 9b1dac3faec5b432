import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { DatabaseUnavailable, openSql } from './sql.js';

const open = (url: string): Promise<unknown> =>
  openSql({ kind: 'postgresql', url }, { name: 'keyring', durability: 'full', migrations: () => ({}) });

describe('a database that is not there', () => {
  it('is said to be out of reach, and why', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const opening = open(`postgresql://user:secret@127.0.0.1:${port}/keys`);
    await expect(opening).rejects.toThrow(DatabaseUnavailable);
    await expect(opening).rejects.toThrow(/^keyring: the database cannot be reached \(ECONNREFUSED\)$/);
  });

  it('is said so too where something answers that hangs up', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await expect(open(`postgresql://user:secret@127.0.0.1:${port}/keys`)).rejects.toThrow(
      /^keyring: the database cannot be reached \(.+\)$/,
    );
    server.close();
  });
});
