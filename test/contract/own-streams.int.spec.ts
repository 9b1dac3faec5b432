import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { openEventStoreDb, StoreNotOurs, type KeylessStore, type StoreNotice } from '@sijill/event-store';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate, type Certificate } from '../support/eventstoredb/certificate.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { entries } from './event-store.contract.js';

// Rights exist with TLS only, so these run on the stand-in always.
describe('the streams of a ledger on a server with users', () => {
  const admin = { name: 'admin', password: 'changeit', groups: ['$admins'] };
  const own = { name: 'sijill', password: 'secret', groups: [] };
  const other = { name: 'other', password: 'secret', groups: [] };
  const directory = mkdtempSync(join(tmpdir(), 'own-streams-'));
  let certificate: Certificate;
  let standIn: StandIn;
  let [root, stranger] = [null as unknown as EventStoreDBClient, null as unknown as EventStoreDBClient];
  const notices: StoreNotice[] = [];
  const stores: KeylessStore[] = [];
  const open = async (onConnect?: () => Promise<void>): Promise<KeylessStore> => {
    const store = await openEventStoreDb({
      connectionString: standIn.connectionStringOf(own),
      onNotice: (notice) => notices.push(notice),
      ...(onConnect === undefined ? {} : { onConnect }),
    });
    stores.push(store);
    return store;
  };
  const metadata = async (lane: string): Promise<unknown> => (await root.getStreamMetadata(lane)).metadata;
  const event = (): ReturnType<typeof jsonEvent> => jsonEvent({ type: 'tested', data: {} });
  const CLOSED = { acl: { writeRoles: own.name, deleteRoles: '$admins', metaWriteRoles: '$admins' } };

  beforeAll(async () => {
    certificate = await makeCertificate(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  beforeEach(async () => {
    standIn = await startEventStoreDbStandIn({ secure: { certificate, users: [admin, own, other] } });
    [root, stranger] = [admin, other].map((user) =>
      EventStoreDBClient.connectionString(standIn.connectionStringOf(user)),
    ) as [EventStoreDBClient, EventStoreDBClient];
    notices.length = 0;
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    for (const client of [root, stranger]) await client.dispose();
    await standIn.stop();
  });

  it('are closed to all others before the first entry is there, and stay open to their own user', async () => {
    expect((await stranger.appendToStream('ledger-before', event())).success).toBe(true);
    const store = await open();
    await store.append('ledger-a', entries(2), 'no_stream');
    await store.append('ledger-a', entries(2), 1);
    await store.append('ledger-before', entries(1), 0);
    for (const lane of ['ledger-a', 'ledger-before']) {
      expect(await metadata(lane)).toMatchObject(CLOSED);
      for (const forbidden of [
        () => stranger.appendToStream(lane, event()),
        () => stranger.deleteStream(lane),
        () => stranger.tombstoneStream(lane),
        () => stranger.setStreamMetadata(lane, { maxCount: 1 }),
      ])
        await expect(forbidden()).rejects.toMatchObject({ type: 'access-denied' });
    }
    expect((await stranger.appendToStream('else', event())).success).toBe(true);
    expect(notices).toEqual([]);
  });

  it('keep what others have set, also where two processes close them at once', async () => {
    await root.setStreamMetadata('ledger-a', { cacheControl: 7, acl: { readRoles: ['$all'], deleteRoles: ['ops'] } });
    const two = [await open(), await open()];
    await Promise.all(two.map((store, i) => store.append(`ledger-${i}`, entries(1), 'no_stream')));
    await Promise.all(two.map((store) => store.append('ledger-a', entries(1), 'any')));
    expect(await metadata('ledger-a')).toMatchObject({
      cacheControl: 7,
      acl: { readRoles: ['$all'], deleteRoles: ['ops'], writeRoles: own.name, metaWriteRoles: '$admins' },
    });
    // Of two that wrote at once, one found that it was done.
    for await (const { event: last } of root.readStream('$$ledger-a')) expect(last!.revision).toBe(1n);
    expect(notices).toEqual([]);
  });

  it('are written to where their user may not close them, and that is told once', async () => {
    const defaults = { $userStreamAcl: { $r: '$all', $w: '$all', $d: '$admins', $mr: '$all', $mw: '$admins' } };
    await root.appendToStream('$settings', jsonEvent({ type: '$settings', data: defaults }));
    const store = await open();
    for (const lane of ['ledger-a', 'ledger-b'])
      expect((await store.append(lane, entries(1), 'no_stream')).revision).toBe(0);
    expect(notices).toEqual([
      {
        what: 'stream left open',
        detail: expect.stringMatching(/sijill may not set who writes to ledger-a.*--protect-streams/),
      },
    ]);
  });

  it('are closed again where a deletion took their list, once the connection began anew', async () => {
    await (await open()).append('ledger-a', entries(2), 'no_stream');
    await root.setStreamMetadata('ledger-a', {});
    await (await open()).append('ledger-a', entries(1), 1);
    expect(await metadata('ledger-a')).toMatchObject(CLOSED);
  });

  it('are left alone in a store that is not the right one', async () => {
    const store = await open(() => Promise.reject(new StoreNotOurs('another ledger’s')));
    await expect(store.append('ledger-a', entries(1), 'no_stream')).rejects.toThrow(StoreNotOurs);
    expect((await root.getStreamMetadata('ledger-a')).metastreamRevision).toBeUndefined();
  });

  it('are left alone where the server knows no users', async () => {
    const insecure = await startEventStoreDbStandIn();
    const store = await openEventStoreDb({ connectionString: insecure.connectionString });
    await store.append('ledger-a', entries(1), 'no_stream');
    const client = EventStoreDBClient.connectionString(insecure.connectionString);
    expect((await client.getStreamMetadata('ledger-a')).metastreamRevision).toBeUndefined();
    await client.dispose();
    await store.close();
    await insecure.stop();
  });
});
