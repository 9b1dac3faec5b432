import {
  AccessDeniedError,
  ANY,
  EventStoreDBClient,
  NO_STREAM,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
  jsonEvent,
  type AllStreamResolvedEvent,
  type EventData,
  type ResolvedEvent,
} from '@eventstore/db-client';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate, type Certificate } from '../support/eventstoredb/certificate.js';
import { copyOf } from '../support/eventstoredb/data-directory.js';
import { hear, revisions } from '../support/eventstoredb/hear.js';
import { RawAppends } from '../support/eventstoredb/raw-append.js';
import { startEventStoreDbStandIn, type StandIn, type StandInOptions } from '../support/eventstoredb/stand-in.js';
import { event, events, failureOf, range, soon, until } from '../support/eventstoredb/wire-tests.js';
import { code } from '../support/eventstoredb/wire.js';
import { laneName } from './event-store.contract.js';

const CHUNK = 256n * 1024n * 1024n;

/** What operators and machines do to a server, as the official client sees it. */
describe('the official client, when something is done to EventStoreDB', () => {
  let directory: string;
  let dataDir: string;
  let stream: string;
  let standIn: StandIn;
  let client: EventStoreDBClient;
  const clients: EventStoreDBClient[] = [];
  const standIns: StandIn[] = [];
  let interval = 10_000;

  const start = async (options: StandInOptions = {}): Promise<void> => {
    standIn = await startEventStoreDbStandIn(options);
    standIns.push(standIn);
    client = connect();
  };
  const connect = (connectionString = standIn.connectionString): EventStoreDBClient => {
    // Clients of one process share a connection where their options are the same; these do not.
    const connected = EventStoreDBClient.connectionString(`${connectionString}&keepAliveInterval=${(interval += 1)}`);
    clients.push(connected);
    return connected;
  };
  const restart = async (options: StandInOptions = { dataDir }): Promise<void> => {
    await standIn.stop();
    await start({ port: standIn.port, ...options });
  };
  const append = async (list: EventData | EventData[], expected: bigint | typeof NO_STREAM | typeof ANY = ANY) =>
    client.appendToStream(stream, list, { expectedRevision: expected });
  const read = async (): Promise<ResolvedEvent[]> => {
    const found: ResolvedEvent[] = [];
    for await (const resolved of client.readStream(stream)) found.push(resolved);
    return found;
  };
  const readAll = async (options: Parameters<EventStoreDBClient['readAll']>[0] = {}) => {
    const found: AllStreamResolvedEvent[] = [];
    for await (const resolved of client.readAll(options)) found.push(resolved);
    return found;
  };
  /** The stream's own events in the log: their revisions, and a tombstone as -1. */
  const inLog = async (): Promise<number[]> =>
    (await readAll())
      .filter((resolved) => resolved.event?.streamId === stream)
      .map((resolved) => (resolved.event?.type === '$streamDeleted' ? -1 : Number(resolved.event?.revision)));

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'wire-operations-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  beforeEach(() => {
    stream = laneName();
    dataDir = join(directory, stream);
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((connected) => connected.dispose()));
    await Promise.all(standIns.splice(0).map((started) => started.stop()));
  });

  describe('a position', () => {
    it.each([
      ['22.10', 'Unexpected ReadAllResult: Error', code.UNKNOWN, 'Exception was thrown by handler.'],
      ['23.10', 'Unexpected ReadAllResult: Error', code.UNKNOWN, 'Exception was thrown by handler.'],
      [
        '24.10',
        'Unexpected ReadAllResult: InvalidPosition',
        code.INVALID_ARGUMENT,
        'Trying to read from an invalid position.',
      ],
    ] as const)('at which no record begins is an error in release %s', async (release, reading, kind, subscribing) => {
      await start({ release });
      const { position } = await append(events(3), NO_STREAM);
      const beside = { commit: position!.commit - 1n, prepare: position!.commit - 1n };
      const failure = await failureOf(readAll({ fromPosition: beside }));
      expect(failure).toBeInstanceOf(UnknownError);
      expect(failure).toMatchObject({ code: code.UNKNOWN, message: expect.stringContaining(reading) });
      const heard = hear(client.subscribeToAll({ fromPosition: beside }));
      await until(() => heard.error !== undefined);
      expect(heard.error).toMatchObject({ code: kind, message: expect.stringContaining(subscribing) });
    });

    it('beyond the end is no error: a read finds nothing, a subscription waits until the log is past it', async () => {
      await start({ release: '23.10' });
      const { position } = await append(events(3), NO_STREAM);
      const beyond = { commit: position!.commit + 400n, prepare: position!.commit + 400n };
      expect(await readAll({ fromPosition: beyond })).toEqual([]);
      const heard = hear(client.subscribeToAll({ fromPosition: beyond }));
      await until(() => heard.said.includes('confirmation'));
      for (let i = 0; i < 6; i++) await append(event());
      const { position: last } = await append(event());
      await until(() => heard.events.at(-1)?.event?.position?.commit === last?.commit);
      expect(heard.events.length).toBeLessThan(7);
      expect(heard.events.every((seen) => seen.event!.position!.commit > beyond.commit)).toBe(true);
    });
  });

  describe('a scavenge', () => {
    beforeEach(() => start({ dataDir }));

    it('leaves the last event of a hidden stream in the log', async () => {
      await append(events(5));
      await client.deleteStream(stream);
      standIn.scavenge();
      expect(await inLog()).toEqual([4]);
      expect((await append(event())).nextExpectedRevision).toBe(5n);
      expect(revisions(await read())).toEqual([5]);
    });

    it('leaves the last event of a stream whose events are all too old', async () => {
      await append(events(5));
      await client.setStreamMetadata(stream, { maxAge: 60 });
      standIn.scavenge();
      expect(await inLog()).toEqual(range(0, 4));
      standIn.faults.clockSkewMs = 61_000;
      standIn.scavenge();
      expect(await inLog()).toEqual([4]);
    });

    it('leaves nothing but the mark of a stream that is deleted for good', async () => {
      await append(events(5));
      await client.setStreamMetadata(stream, { owner: 'somebody' });
      await client.tombstoneStream(stream);
      standIn.scavenge();
      expect((await readAll()).map((resolved) => resolved.event?.type)).toEqual(['$streamDeleted']);
    });

    it.each([
      ['a count', { maxCount: 2 }],
      ['a beginning', { truncateBefore: 3 }],
    ])('leaves what is visible of a stream with %s', async (_, metadata) => {
      await append(events(5));
      await client.setStreamMetadata(stream, { owner: 'somebody' });
      await client.setStreamMetadata(stream, metadata);
      standIn.scavenge();
      expect(await inLog()).toEqual([3, 4]);
      expect(revisions(await read())).toEqual([3, 4]);
      // The metadata that no longer counts is gone too.
      expect(await readAll()).toHaveLength(3);
    });

    it('moves no position, lets what was given be read from, and goes on in the next chunk; for good', async () => {
      await append(events(5));
      const before = (await read()).map((resolved) => resolved.event!.position!);
      await client.setStreamMetadata(stream, { truncateBefore: 3 });
      standIn.scavenge();
      const check = async () => {
        expect((await read()).slice(0, 2).map((resolved) => resolved.event!.position)).toEqual(before.slice(3));
        expect(revisions(await readAll({ fromPosition: before[1]! })).slice(0, 2)).toEqual([3, 4]);
        const { position } = await append(event());
        expect(position!.commit / CHUNK).toBe(1n);
        return position;
      };
      const first = await check();
      await restart();
      expect(first!.commit).toBeLessThan((await check())!.commit);
      standIn.scavenge();
      expect((await append(event())).position!.commit / CHUNK).toBe(2n);
    });

    it('lets subscriptions and long reads go on over it', async () => {
      await append(events(500));
      const heard = [hear(client.subscribeToAll()), hear(client.subscribeToStream(stream))];
      await until(() => heard.every(({ said }) => said.includes('caughtUp')));
      const found: number[] = [];
      for await (const { event: seen } of client.readStream(stream)) {
        if (found.push(Number(seen?.revision)) !== 1) continue;
        await client.setStreamMetadata(stream, { truncateBefore: 490 });
        standIn.scavenge();
        await append(events(3));
      }
      expect(found.slice(-13)).toEqual(range(490, 502));
      await until(() => heard.every((one) => one.events.at(-1)?.event?.revision === 502n));
      expect(revisions(heard[1]!.events)).toEqual(range(0, 502));
    });

    it('forgets the ids that it took, so a repeat of them is none; a repeat of what is left still is', async () => {
      const [gone, left] = [events(2), events(2)];
      await append(gone, NO_STREAM);
      const original = await append(left, 1n);
      expect((await append(gone, NO_STREAM)).nextExpectedRevision).toBe(1n);
      await client.setStreamMetadata(stream, { truncateBefore: 2 });
      standIn.scavenge();
      await restart();
      expect(await failureOf(append(gone, NO_STREAM))).toBeInstanceOf(WrongExpectedVersionError);
      expect(await append(left, 1n)).toEqual(original);
    });
  });

  it('a link is read as it lies there, where nobody asked for what it points to', async () => {
    await start();
    await append(jsonEvent({ type: '$>', data: `0@somewhere` as never }));
    const [found] = await read();
    expect(found).toMatchObject({ event: { type: '$>', streamId: stream, revision: 0n } });
    expect(found?.link).toBeUndefined();
    expect((await readAll()).map((resolved) => resolved.event?.type)).toEqual(['$>']);
  });

  describe('a user', () => {
    const admin = { name: 'admin', password: 'changeit', groups: ['$admins'] };
    const service = { name: 'service', password: 'secret', groups: ['readers'] };
    let certificate: Certificate;
    let root: EventStoreDBClient;
    beforeAll(async () => {
      certificate = await makeCertificate(directory);
    });
    beforeEach(async () => {
      await start({ release: '23.10', secure: { certificate, users: [admin, service] } });
      client = connect(standIn.connectionStringOf(service));
      root = connect(standIn.connectionStringOf(admin));
    });

    it.each<[string, () => void]>([
      ['is deleted', () => standIn.users.remove(service.name)],
      ['gets another password', () => standIn.users.set({ ...service, password: 'other' })],
    ])('who %s goes on with what is open, and begins nothing new', async (_, change) => {
      await append(event());
      const heard = hear(client.subscribeToStream(stream));
      await until(() => heard.said.includes('caughtUp'));
      change();
      expect((await append(event())).nextExpectedRevision).toBe(1n);
      await until(() => heard.events.length === 2);
      const failure = await failureOf(read());
      expect(failure).toBeInstanceOf(AccessDeniedError);
      expect(failure).toMatchObject({ code: code.UNAUTHENTICATED });
      client = connect(standIn.connectionStringOf(service));
      expect(await failureOf(append(event()))).toBeInstanceOf(AccessDeniedError);
    });

    it('who is put out of a group still is in it for what is open', async () => {
      await append(event());
      await root.setStreamMetadata(stream, { acl: { readRoles: ['readers'], writeRoles: ['readers'] } });
      expect((await append(event())).nextExpectedRevision).toBe(1n);
      standIn.users.set({ ...service, groups: [] });
      expect((await append(event())).nextExpectedRevision).toBe(2n);
      const failure = await failureOf(read());
      expect(failure).toMatchObject({ code: code.PERMISSION_DENIED });
    });

    it('whose right to write is withdrawn is refused the next append on the open call', async () => {
      await append(event());
      await root.setStreamMetadata(stream, { acl: { writeRoles: ['$admins'] } });
      const calls = standIn.book.calls.length;
      expect(await failureOf(append(event()))).toBeInstanceOf(AccessDeniedError);
      expect(standIn.book.calls).toHaveLength(calls);
    });
  });

  describe('a server', () => {
    it('that is told to end ends subscriptions with a stream that was reset', async () => {
      await start();
      const heard = hear(client.subscribeToAll());
      await until(() => heard.said.includes('caughtUp'));
      standIn.faults.dropSubscriptions(code.INTERNAL);
      await until(() => heard.error !== undefined);
      const message = expect.stringContaining('Received RST_STREAM with code 0') as string;
      expect(heard.error).toMatchObject({ code: code.INTERNAL, message });
    });

    it.each([false, true])(
      'that is frozen does nothing until it goes on, and then everything (TLS: %s)',
      async (tls) => {
        const user = { name: 'admin', password: 'changeit', groups: ['$admins'] };
        await start(tls ? { secure: { certificate: await makeCertificate(directory), users: [user] } } : {});
        client = connect(standIn.connectionStringOf(user));
        await append(event());
        const heard = hear(client.subscribeToStream(stream));
        await until(() => heard.said.includes('caughtUp'));
        standIn.faults.freeze();
        const done: string[] = [];
        const waiting = append(event()).finally(() => done.push('append'));
        const newcomer = connect(standIn.connectionStringOf(user));
        const reading = newcomer
          .appendToStream(`${stream}-b`, event())
          .finally(() => done.push('append of another client'));
        await soon(300);
        expect(done).toEqual([]);
        expect(standIn.book.chunks).toHaveLength(1);
        standIn.faults.thaw();
        expect((await waiting).nextExpectedRevision).toBe(1n);
        expect((await reading).nextExpectedRevision).toBe(0n);
        await until(() => heard.events.length === 2);
      },
    );

    it('that is frozen can be ended, as a process can be killed', async () => {
      await start();
      await append(event());
      standIn.faults.freeze();
      const waiting = failureOf(append(event()));
      await soon(50);
      await standIn.stop();
      expect(await waiting).toBeInstanceOf(UnavailableError);
    });

    it('in a black hole can be connected to and never hears a word; afterwards new connections are well', async () => {
      await start();
      await append(event());
      standIn.faults.blackHole = true;
      const done: string[] = [];
      void failureOf(append(event())).then(() => done.push('on the old connection'));
      const newcomer = connect();
      void failureOf(newcomer.appendToStream(stream, event())).then(() => done.push('on a new one'));
      await soon(300);
      expect(done).toEqual([]);
      standIn.faults.blackHole = false;
      await soon(100);
      // What was lost stays lost.
      expect(done).toEqual([]);
      client = connect();
      expect(revisions(await read())).toEqual([0]);
      standIn.faults.cutConnections();
      await until(() => done.length === 2);
    });

    it('whose disk is full ends without an answer, and has all that it answered when it is back', async () => {
      await start({ dataDir });
      await append(events(3));
      standIn.faults.appends.push({ kind: 'crash', stored: false });
      expect(await failureOf(append(event()))).toBeInstanceOf(UnavailableError);
      expect(await failureOf(read())).toBeInstanceOf(UnavailableError);
      await restart();
      expect(revisions(await read())).toEqual([0, 1, 2]);
    });

    it('whose clock is ahead of a deadline refuses the append at once, each time, for as long as it is', async () => {
      await start();
      const raw = new RawAppends(standIn.port);
      const answerTo = async (ms: number) => {
        const answers = raw.send(stream, { deadline: new Date(Date.now() + ms) });
        await until(() => answers.length > 0);
        return answers[0];
      };
      standIn.faults.clockSkewMs = 6_000;
      for (let i = 0; i < 2; i++) {
        const answer = await answerTo(5_000);
        expect(answer?.message).toBe('Timeout');
        expect(answer?.afterMs).toBeLessThan(1_000);
      }
      expect((await answerTo(86_400_000))?.message).toBe('success');
      expect((await read())[0]?.event?.created.getTime()).toBeGreaterThan(Date.now() + 3_000);
      standIn.faults.clockSkewMs = -6_000;
      expect((await answerTo(5_000))?.message).toBe('success');
      raw.close();
    });
  });

  describe('another server at the same address', () => {
    it('can be there at once, with the same log, an older one, or none', async () => {
      await start({ dataDir });
      await append(events(3));
      const older = copyOf(dataDir);
      await append(events(3));
      for (let i = 0; i < 5; i++) {
        await restart({ dataDir });
        expect(await read()).toHaveLength(6);
        await restart({ dataDir: older });
        expect(await read()).toHaveLength(3);
        await restart({});
        expect(await readAll()).toEqual([]);
      }
    });
  });
});
