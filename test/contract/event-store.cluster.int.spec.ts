import { EventStoreDBClient } from '@eventstore/db-client';
import { Lane, OutcomeUnknown, StoreUnavailable, openEventStoreDb, type EventStore } from '@sijill/event-store';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate, type Certificate } from '../support/eventstoredb/certificate.js';
import { startTestCluster, type TestCluster } from '../support/eventstoredb/cluster.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { writeOddEvents } from '../support/eventstoredb/odd-events.js';
import { authentic } from '../support/entry-keys.js';
import { eventually } from '../support/sijill.js';
import { code } from '../support/eventstoredb/wire.js';
import { all, entries, eventStoreContract, follow, laneName } from './event-store.contract.js';
import { hidingAs } from './event-store.hiding.js';

// A cluster with a certificate and users is not to be had here but as stand-ins.
describe('EventStoreDB with TLS and a user of its own', () => {
  const admin = { name: 'admin', password: 'changeit', groups: ['$admins'] };
  const service = { name: 'sijill', password: 'p@ss:s3cret/ü' };
  const users = [admin, service];
  let directory: string;
  let certificate: Certificate;
  const opened: EventStore[] = [];
  const open = async (connectionString: string, appendTimeoutMs = 2_000): Promise<EventStore> => {
    const store = authentic(await openEventStoreDb({ connectionString, appendTimeoutMs }));
    opened.push(store);
    return store;
  };
  const letReadTheLog = async (connectionString: string): Promise<void> => {
    const root = EventStoreDBClient.connectionString(connectionString);
    await root.setStreamMetadata('$all', { acl: { readRoles: ['$admins', service.name] } });
    await root.dispose();
  };
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cluster-'));
    certificate = await makeCertificate(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  describe('alone', () => {
    let standIn: StandIn;
    beforeAll(async () => {
      standIn = await startEventStoreDbStandIn({ secure: { certificate, users } });
      await letReadTheLog(standIn.connectionStringOf(admin));
    });
    afterAll(() => standIn.stop());
    eventStoreContract(
      () => openEventStoreDb({ connectionString: standIn.connectionStringOf(service) }),
      (stream) => writeOddEvents(standIn.connectionStringOf(service), stream),
      hidingAs(() => standIn.connectionStringOf(admin)),
    );
  });

  describe('in a cluster', () => {
    let cluster: TestCluster;
    let clusters = 0;
    beforeEach(async () => {
      const home = join(directory, `cluster-${(clusters += 1)}`);
      mkdirSync(home);
      cluster = await startTestCluster(home, certificate, users);
      await letReadTheLog(cluster.connectionStringOf(admin));
    });
    afterEach(() => cluster.stop());
    const appendsAt = (node: StandIn): Record<string, string>[] =>
      node.book.calls.filter(({ method }) => method === 'BatchAppend').map(({ headers }) => headers);

    it('is written to, read and followed at its leader, as its user, whichever node is asked for it', async () => {
      const name = laneName();
      const store = await open(cluster.connectionStringOf(service));
      const sent = entries(3);
      await store.append(name, sent, 'no_stream');
      const credentials = Buffer.from(`${service.name}:${service.password}`).toString('base64');
      expect(appendsAt(cluster.leader).at(-1)).toMatchObject({ authorization: `Basic ${credentials}` });
      expect(appendsAt(cluster.follower)).toEqual([]);
      expect((await all(store.readStream(name))).map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
      const following = follow(store, { after: 0, stream: name, count: 5 });
      await store.append(name, entries(2), 2);
      expect((await following).map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4]);
    });

    it('is found where one of the nodes named is down', async () => {
      await cluster.follower.stop();
      const store = await open(cluster.connectionStringOf(service));
      expect((await store.append(laneName(), entries(2), 'no_stream')).revision).toBe(1);
    });

    it('may lose its leader: a lane and a reader go on at the next, with nothing lost and nothing twice', async () => {
      const name = laneName();
      const store = await open(cluster.connectionStringOf(service));
      const lane = await Lane.open(store, name, { onOtherWriter: 'stop', whenFull: 'wait' });
      const sent = entries(60);
      const following = follow(store, { after: 0, stream: name, count: sent.length });
      for (const one of sent.slice(0, 20)) await lane.append([one]);
      const waiting = sent.slice(20).map((one) => lane.append([one]));
      await cluster.killLeader();
      await cluster.failOver();
      await Promise.all(waiting);
      expect((await all(store.readStream(name))).map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
      expect((await following).map(({ id }) => id)).toEqual(sent.map(({ id }) => id));
    });

    it('may have a leader of before that answers from what it had: what it lacks is not taken for hidden', async () => {
      const name = laneName();
      const store = await open(cluster.connectionStringOf(service), 500);
      await store.append(name, entries(1), 'no_stream');
      expect(await all(store.readStream(name))).toHaveLength(1);
      cluster.freezeLeader();
      await cluster.failOver();
      const sent = entries(2);
      const append = () => store.append(name, sent, 0).catch((error: unknown) => error);
      const stored = (outcome: unknown) => !(outcome instanceof Error);
      await eventually(append, stored);
      // The repeat is looked for where it was read before.
      const repeated = append();
      await cluster.thaw('unaware');
      expect(await repeated).toBeInstanceOf(OutcomeUnknown);
      expect(await eventually(append, stored)).toMatchObject({ revision: 2 });
    });

    it('sends whoever writes to a replica to its leader', async () => {
      const { leader, follower } = cluster;
      follower.faults.leader = { address: '127.0.0.1', port: leader.port };
      follower.faults.isReplica = true;
      await letReadTheLog(follower.connectionStringOf(admin)).catch(() => undefined);
      const store = await open(follower.connectionStringOf(service));
      const lane = await Lane.open(store, laneName(), { onOtherWriter: 'stop', whenFull: 'wait' });
      await lane.append(entries(2));
      expect((await lane.append(entries(1))).revision).toBe(2);
      expect(appendsAt(leader).length).toBeGreaterThan(0);
    });

    it('may refuse for a while: nothing is called stored, and nothing is', async () => {
      const name = laneName();
      const store = await open(cluster.connectionStringOf(service));
      const { revision } = await store.append(name, entries(1), 'no_stream');
      cluster.leader.faults.refuse = code.UNAVAILABLE;
      cluster.leader.faults.cutConnections();
      await expect(store.append(name, entries(1), revision)).rejects.toBeInstanceOf(OutcomeUnknown);
      await expect(store.append(name, entries(1), revision)).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(all(store.readStream(name))).rejects.toBeInstanceOf(StoreUnavailable);
      cluster.leader.faults.refuse = undefined;
      expect(await all(store.readStream(name))).toHaveLength(1);
      expect((await store.append(name, entries(1), revision)).revision).toBe(1);
    });

    it('may store late, and is waited for as long as was said', async () => {
      const name = laneName();
      const store = await open(cluster.connectionStringOf(service), 300);
      const { faults } = cluster.leader;
      faults.appends.push({ kind: 'delay', ms: 50 });
      expect((await store.append(name, entries(1), 'no_stream')).revision).toBe(0);
      faults.appends.push({ kind: 'delay', ms: 900 });
      const late = entries(1);
      await expect(store.append(name, late, 0)).rejects.toBeInstanceOf(OutcomeUnknown);
      // Sent again under the same ids it is stored once, whichever of the two comes first.
      expect((await store.append(name, late, 0)).revision).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(await all(store.readStream(name))).toHaveLength(2);
    });
  });
});
