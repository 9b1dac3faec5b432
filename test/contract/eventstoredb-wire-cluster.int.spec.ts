import { EventStoreDBClient, NotLeaderError } from '@eventstore/db-client';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate, type Certificate } from '../support/eventstoredb/certificate.js';
import { startTestCluster, type ClusterOptions, type TestCluster } from '../support/eventstoredb/cluster.js';
import { hear } from '../support/eventstoredb/hear.js';
import type { StandIn } from '../support/eventstoredb/stand-in.js';
import { event, failureOf, soon, until } from '../support/eventstoredb/wire-tests.js';
import { laneName } from './event-store.contract.js';

/** What the official client sees of a cluster of three. */
describe('the official client and a cluster', () => {
  const admin = { name: 'admin', password: 'changeit', groups: ['$admins'] };
  let directory: string;
  let certificate: Certificate;
  let cluster: TestCluster;
  let stream: string;
  const clients: EventStoreDBClient[] = [];

  const start = async (options: ClusterOptions): Promise<void> => {
    cluster = await startTestCluster(mkdtempSync(join(directory, 'cluster-')), certificate, [admin], options);
  };
  const connect = (connectionString = cluster.connectionStringOf(admin)): EventStoreDBClient => {
    const client = EventStoreDBClient.connectionString(connectionString);
    clients.push(client);
    return client;
  };
  const append = (client: EventStoreDBClient, requiresLeader = true) =>
    client.appendToStream(stream, event(), { requiresLeader });
  /** Appends until it succeeds, and how long that took. */
  const appendAgain = async (): Promise<number> => {
    const began = performance.now();
    while ((await failureOf(append(connect()))) instanceof Error) await soon(10);
    return performance.now() - began;
  };
  const count = async (client: EventStoreDBClient): Promise<number> => {
    let found = 0;
    for await (const _ of client.readStream(stream)) found += 1;
    return found;
  };
  const appendsAt = (node: StandIn) => node.book.calls.filter(({ method }) => method === 'BatchAppend').length;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wire-cluster-'));
    certificate = await makeCertificate(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  beforeEach(() => {
    stream = laneName();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.dispose()));
    await cluster.stop();
  });

  it('a follower that is asked for the leader says where it is, once; else it forwards', async () => {
    await start({});
    const client = connect(cluster.follower.connectionStringOf(admin));
    expect(await failureOf(append(client))).toBeInstanceOf(NotLeaderError);
    expect((await append(client)).nextExpectedRevision).toBe(0n);
    expect(appendsAt(cluster.leader)).toBe(1);
    const other = connect(cluster.follower.connectionStringOf(admin));
    expect((await append(other, false)).nextExpectedRevision).toBe(1n);
    expect(appendsAt(cluster.leader)).toBe(1);
    expect(await count(other)).toBe(2);
  });

  it('a leader that is killed leaves no leader for a while, and then another one has all that was answered', async () => {
    await start({ afterKillMs: 600 });
    const [killed, follower] = [cluster.leader, cluster.follower];
    await append(connect());
    // What a follower would forward while there is no leader is not stored, nor answered: at most its client gives it up.
    const forwarding = connect(follower.connectionStringOf(admin));
    await append(forwarding, false);
    await cluster.killLeader();
    const settled: unknown[] = [];
    void failureOf(append(forwarding, false)).then((outcome) => settled.push(outcome));
    expect(await failureOf(append(connect(follower.connectionStringOf(admin))))).toMatchObject({
      message: expect.stringContaining('No leader info available') as string,
    });
    expect(await appendAgain()).toBeGreaterThan(300);
    expect(cluster.leader).not.toBe(killed);
    expect(settled.every((outcome) => outcome instanceof Error)).toBe(true);
    expect(await count(connect())).toBe(3);
    await cluster.restart(killed);
    expect(await count(connect(cluster.follower.connectionStringOf(admin)))).toBe(3);
  });

  it('a leader that is frozen is missed only after a while; when it goes on it follows, and sends its callers away', async () => {
    await start({ afterFreezeMs: 600 });
    const frozen = cluster.leader;
    const stuck = connect();
    await append(stuck);
    const heard = hear(connect(cluster.follower.connectionStringOf(admin)).subscribeToStream(stream));
    await until(() => heard.events.length === 1);
    cluster.freezeLeader();
    const outcome = failureOf(append(stuck));
    await soon(200);
    expect(cluster.leader).toBe(frozen);
    await until(() => cluster.leader !== frozen);
    await appendAgain();
    await until(() => heard.events.length === 2);
    await cluster.thaw();
    expect(await outcome).toBeInstanceOf(NotLeaderError);
    expect((await append(stuck)).nextExpectedRevision).toBe(2n);
    expect(heard.error).toBeUndefined();
  });

  it('a node that must truncate its log ends, and follows when it is started again', async () => {
    await start({ afterFreezeMs: 100 });
    const frozen = cluster.leader;
    const heard = hear(connect(frozen.connectionStringOf(admin)).subscribeToStream(stream));
    await until(() => heard.said.includes('caughtUp'));
    cluster.freezeLeader();
    await until(() => cluster.leader !== frozen);
    await append(connect());
    await cluster.thaw('truncates');
    await until(() => heard.error !== undefined);
    expect(heard.events).toEqual([]);
    const restarted = await cluster.restart(frozen);
    expect(cluster.leader).not.toBe(restarted);
    expect(await count(connect(restarted.connectionStringOf(admin)))).toBe(1);
  });

  it('a follower that was killed or frozen has fallen behind, and catches up when it is back', async () => {
    await start({});
    const writer = connect();
    await append(writer);
    const { follower } = cluster;
    await cluster.killFollower();
    await append(writer);
    const restarted = await cluster.restart(follower);
    expect(await count(connect(restarted.connectionStringOf(admin)))).toBe(2);
    const frozen = cluster.follower;
    const heard = hear(connect(frozen.connectionStringOf(admin)).subscribeToStream(stream));
    await until(() => heard.events.length === 2);
    cluster.freezeFollower();
    await append(writer);
    await soon(100);
    expect(heard.events).toHaveLength(2);
    await cluster.thaw();
    await until(() => heard.events.length === 3);
    expect(cluster.ended).toEqual([]);
  });

  it('a leader that goes on unaware of the next one answers from what it had, keeps what it takes, and ends over it', async () => {
    await start({ afterFreezeMs: 100, unawareMs: 600 });
    const frozen = cluster.leader;
    const [writer, reader] = [connect(frozen.connectionStringOf(admin)), connect(frozen.connectionStringOf(admin))];
    await append(writer);
    expect(await count(reader)).toBe(1);
    cluster.freezeLeader();
    await until(() => cluster.leader !== frozen);
    await append(connect());
    const outcome = failureOf(append(writer));
    const thawed = cluster.thaw('unaware');
    const stale: unknown[] = [];
    for await (const each of reader.readStream(stream, { requiresLeader: true })) stale.push(each);
    expect(stale).toHaveLength(1);
    await thawed;
    expect(await outcome).toBeInstanceOf(Error);
    expect(cluster.ended).toEqual([frozen]);
    const restarted = await cluster.restart(frozen);
    expect(await count(connect(restarted.connectionStringOf(admin)))).toBe(2);
  });

  it('a leader that goes on unaware and takes nothing follows', async () => {
    await start({ afterFreezeMs: 100, unawareMs: 50 });
    const frozen = cluster.leader;
    cluster.freezeLeader();
    await until(() => cluster.leader !== frozen);
    await append(connect());
    await cluster.thaw('unaware');
    expect(cluster.ended).toEqual([]);
    expect(await count(connect(frozen.connectionStringOf(admin)))).toBe(1);
  });

  it('may have a node lead that was frozen', async () => {
    await start({ afterFreezeMs: 100 });
    const frozen = cluster.leader;
    cluster.freezeLeader();
    await until(() => cluster.leader !== frozen);
    const left = cluster.leader;
    await cluster.thaw();
    cluster.elect(frozen);
    await append(connect());
    expect([appendsAt(frozen), appendsAt(left)]).toEqual([1, 0]);
  });
});
