import {
  AccessDeniedError,
  BACKWARDS,
  CancelledError,
  DeadlineExceededError,
  END,
  EventStoreDBClient,
  FORWARDS,
  MaxAppendSizeExceededError,
  NO_STREAM,
  NotLeaderError,
  STREAM_EXISTS,
  StreamDeletedError,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
  jsonEvent,
  streamNameFilter,
  type AllStreamResolvedEvent,
  type AppendToStreamOptions,
  type EventData,
  type ResolvedEvent,
} from '@eventstore/db-client';
import {
  Lane,
  OutcomeUnknown,
  openEventStoreDb,
  type EventStore,
  type EventStoreDbOptions,
  type StoreNotice,
  type StoredEntry,
} from '@sijill/event-store';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificate, type Certificate } from '../support/eventstoredb/certificate.js';
import { hear, revisions } from '../support/eventstoredb/hear.js';
import { RawAppends } from '../support/eventstoredb/raw-append.js';
import {
  startEventStoreDbStandIn,
  type Release,
  type StandIn,
  type StandInOptions,
} from '../support/eventstoredb/stand-in.js';
import { code } from '../support/eventstoredb/wire.js';
import { event, events, failureOf, range, soon, until } from '../support/eventstoredb/wire-tests.js';
import { FULL_RUN } from '../support/full-run.js';
import { entries, laneName } from './event-store.contract.js';

const idsOf = (list: readonly { id?: string }[]) => list.map(({ id }) => id);

/**
 * What the official client sees of the stand-in, and what our adapter makes of it: one test for each thing that is known of
 * the real server and that we rely on. (B) is the batch call, (U) the call for a single append, (T) a server with TLS.
 */
describe('the official client and EventStoreDB', () => {
  const admin = { name: 'admin', password: 'changeit', groups: ['$admins'] };
  const service = { name: 'sijill', password: 'p@ss:word/ü' };
  let directory: string;
  let certificate: Certificate;
  let standIns: StandIn[];
  let clients: EventStoreDBClient[];
  let stores: EventStore[];
  let standIn: StandIn;
  let client: EventStoreDBClient;
  let stream: string;
  let notices: StoreNotice[];
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown) => unhandled.push(error);

  const start = async (options: StandInOptions = {}): Promise<StandIn> => {
    const started = await startEventStoreDbStandIn(options);
    standIns.push(started);
    return started;
  };
  const secured = (release?: Release) =>
    start({ secure: { certificate, users: [admin, service] }, ...(release && { release }) });
  const connect = (connectionString = standIn.connectionString): EventStoreDBClient => {
    const connected = EventStoreDBClient.connectionString(connectionString);
    clients.push(connected);
    return connected;
  };
  /** The same tests at a server of that release. */
  const at = async (release: Release) => {
    standIn = await start({ release });
    client = connect();
  };
  const openStore = async (options: Partial<EventStoreDbOptions> = {}): Promise<EventStore> => {
    const onNotice = (notice: StoreNotice) => notices.push(notice);
    const { connectionString } = standIn;
    const store = await openEventStoreDb({ connectionString, appendTimeoutMs: 400, onNotice, ...options });
    stores.push(store);
    return store;
  };
  const append = (list: EventData | EventData[], options: AppendToStreamOptions = {}, to = stream) =>
    client.appendToStream(to, list, options);
  const read = async (of = stream, options: Parameters<EventStoreDBClient['readStream']>[1] = {}) => {
    const found: ResolvedEvent[] = [];
    for await (const resolved of client.readStream(of, options)) found.push(resolved);
    return found;
  };
  const readAll = async (options: Parameters<EventStoreDBClient['readAll']>[0] = {}) => {
    const found: AllStreamResolvedEvent[] = [];
    for await (const resolved of client.readAll(options)) found.push(resolved);
    return found;
  };
  const callsOf = (method: string) => standIn.book.calls.filter((call) => call.method === method);
  /** The same client, with the other way to append. */
  const withoutBatch = (option = '') => {
    standIn.faults.features = 'unimplemented';
    client = connect(standIn.connectionString + option);
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wire-'));
    certificate = await makeCertificate(directory);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  beforeEach(async () => {
    [standIns, clients, stores, notices, stream] = [[], [], [], [], laneName()];
    standIn = await start();
    client = connect();
    unhandled.length = 0;
    process.on('unhandledRejection', onUnhandled);
    process.on('uncaughtException', onUnhandled);
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await Promise.all(clients.map((connected) => connected.dispose()));
    await Promise.all(standIns.map((started) => started.stop()));
    await soon(0);
    process.off('unhandledRejection', onUnhandled);
    process.off('uncaughtException', onUnhandled);
    expect(unhandled).toEqual([]);
  });

  describe('connection', () => {
    it('1: appends go by the batch call, and by the single one with credentials of their own', async () => {
      await append(event());
      expect([callsOf('BatchAppend').length, callsOf('Append').length]).toEqual([1, 0]);
      await append(event(), { credentials: { username: 'u', password: 'p' } });
      expect([callsOf('BatchAppend').length, callsOf('Append').length]).toEqual([1, 1]);
    });

    it('2: a server that does not know the question for its methods is appended to by the single call', async () => {
      withoutBatch();
      expect((await append(events(2), { expectedRevision: NO_STREAM })).nextExpectedRevision).toBe(1n);
      expect([callsOf('BatchAppend').length, callsOf('Append').length]).toEqual([0, 1]);
    });

    it('3: a client keeps an answer UNKNOWN to that question for its life; a new one works', async () => {
      standIn.faults.features = 'unknown';
      expect(await failureOf(append(event()))).toMatchObject({ code: code.UNKNOWN });
      standIn.faults.features = 'answered';
      expect(await failureOf(append(event()))).toMatchObject({ code: code.UNKNOWN });
      expect(callsOf('GetSupportedMethods')).toHaveLength(1);
      client = connect();
      expect((await append(event())).success).toBe(true);
    });

    it('4: without TLS no credentials travel, neither those of the connection nor those of a call', async () => {
      client = connect(standIn.connectionString.replace('esdb://', 'esdb://user:secret@'));
      await append(event());
      await append(event(), { credentials: { username: 'u', password: 'p' } });
      await read(stream);
      expect(standIn.book.calls.length).toBeGreaterThan(3);
      expect(standIn.book.calls.filter(({ headers }) => 'authorization' in headers)).toEqual([]);
    });

    it('5: (T) the credentials of the connection travel, and appends go by the batch call', async () => {
      standIn = await secured();
      client = connect(standIn.connectionStringOf(service));
      await append(event());
      const expected = `Basic ${Buffer.from(`${service.name}:${service.password}`).toString('base64')}`;
      expect(callsOf('BatchAppend')).toMatchObject([{ headers: { authorization: expected } }]);
    });

    it('6: a call says that it needs the leader if it was told to, else nothing', async () => {
      await append(event());
      await read(stream, { requiresLeader: true });
      await read(stream, { requiresLeader: false });
      expect(callsOf('Read').map(({ headers }) => headers['requires-leader'])).toEqual(['true', undefined]);
      expect(callsOf('BatchAppend')[0]?.headers['requires-leader']).toBeUndefined();
    });
  });

  describe('an append', () => {
    it('7: of three to a new stream is answered with the revision and the position of the last', async () => {
      const { nextExpectedRevision, position } = await append(events(3), { expectedRevision: NO_STREAM });
      expect(nextExpectedRevision).toBe(2n);
      expect(position?.commit).toBe(position?.prepare);
      expect((await read()).at(-1)?.event?.position).toEqual(position);
    });

    it('8: goes behind the revision it expects, or nowhere', async () => {
      await append(events(3), { expectedRevision: NO_STREAM });
      expect((await append(event(), { expectedRevision: 2n })).nextExpectedRevision).toBe(3n);
      const failure = await failureOf(append(event(), { expectedRevision: 1n }));
      expect(failure).toBeInstanceOf(WrongExpectedVersionError);
      expect(failure).toMatchObject({ streamName: stream, expectedVersion: 1n, actualVersion: 3n });
      expect(await read()).toHaveLength(4);
    });

    it('9: to a stream that is not there cannot expect a revision', async () => {
      const failure = await failureOf(append(event(), { expectedRevision: 0n }));
      expect(failure).toBeInstanceOf(WrongExpectedVersionError);
      expect(failure).toMatchObject({ expectedVersion: 0n, actualVersion: 'no_stream' });
    });

    it('10: to a stream that is not there cannot expect that it is', async () => {
      const failure = await failureOf(append(event(), { expectedRevision: STREAM_EXISTS }));
      expect(failure).toBeInstanceOf(WrongExpectedVersionError);
      expect(await failureOf(read())).toBeInstanceOf(StreamNotFoundError);
    });

    it('11: with an exact revision is known as a repeat when the stream has grown', async () => {
      await append(event(), { expectedRevision: NO_STREAM });
      const sent = events(2);
      const original = await append(sent, { expectedRevision: 0n });
      await append(events(3), { expectedRevision: 2n });
      expect(await append(sent, { expectedRevision: 0n })).toEqual(original);
      expect(await read()).toHaveLength(6);
    });

    it('12: is known as a repeat when the server was restarted', async () => {
      const dataDir = join(directory, stream);
      standIn = await start({ dataDir });
      client = connect();
      const sent = events(2);
      const original = await append(sent, { expectedRevision: NO_STREAM });
      await append(events(3), { expectedRevision: 1n });
      await standIn.stop();
      standIn = await start({ dataDir });
      client = connect();
      expect(await append(sent, { expectedRevision: NO_STREAM })).toEqual(original);
      expect(await read()).toHaveLength(5);
    });

    it('13: of known events with a new one behind them is refused whole', async () => {
      await append(event(), { expectedRevision: NO_STREAM });
      const [a, b, c] = events(3) as [EventData, EventData, EventData];
      await append([a, b], { expectedRevision: 0n });
      const failure = await failureOf(append([a, b, c], { expectedRevision: 0n }));
      expect(failure).toBeInstanceOf(WrongExpectedVersionError);
      expect(failure).toMatchObject({ actualVersion: 2n });
      expect(await read()).toHaveLength(3);
    });

    it('14: of the beginning of what is stored is a repeat', async () => {
      const [a, b, c] = events(3) as [EventData, EventData, EventData];
      await append([a, b, c], { expectedRevision: NO_STREAM });
      const repeat = await append([a, b], { expectedRevision: NO_STREAM });
      expect(repeat.nextExpectedRevision).toBe(1n);
      expect(repeat.position).toEqual((await read())[1]?.event?.position);
    });

    it('15: that expects nothing is known as a repeat by memory only', async () => {
      const dataDir = join(directory, stream);
      standIn = await start({ dataDir });
      client = connect();
      const sent = event();
      const original = await append(sent);
      expect(await append(sent)).toEqual(original);
      expect(await read()).toHaveLength(1);
      await standIn.stop();
      standIn = await start({ dataDir });
      client = connect();
      expect((await append(sent)).nextExpectedRevision).toBe(1n);
      expect(idsOf((await read()).map((resolved) => resolved.event!))).toEqual([sent.id, sent.id]);
    });

    it('16: of an id that another stream has is stored', async () => {
      const sent = event();
      await append(sent);
      expect((await append(sent, {}, `${stream}-b`)).nextExpectedRevision).toBe(0n);
      expect(await read(`${stream}-b`)).toHaveLength(1);
    });

    it('17: is known by its ids alone, and what was stored stays as it is', async () => {
      const sent = event(1);
      await append(sent, { expectedRevision: NO_STREAM });
      await append({ ...sent, data: { n: 2 } } as EventData, { expectedRevision: NO_STREAM });
      expect((await read()).map((resolved) => resolved.event?.data)).toEqual([{ n: 1 }]);
    });

    it.each([
      ['B', '23.10'],
      ['U', '23.10'],
      ['B', '24.10'],
      ['U', '24.10'],
    ] as const)('18: (%s) may hold one mebibyte to the byte, in release %s', async (way, release) => {
      await at(release);
      if (way === 'U') withoutBatch();
      const metadata = Buffer.alloc(100, 'm');
      // Beside the data, which is all that 23.10 counts.
      const alsoCounted = release === '23.10' ? 0 : metadata.length + 2 * 'tested'.length;
      const ofBytes = (bytes: number) => {
        const rest = bytes - alsoCounted - '{"text":""}'.length;
        return jsonEvent({ type: 'tested', data: { text: 'x'.repeat(rest) }, metadata });
      };
      const failure = await failureOf(append([ofBytes(1_048_576 - 1000), ofBytes(1001)]));
      expect(failure).toBeInstanceOf(MaxAppendSizeExceededError);
      expect(failure).toMatchObject({ maxAppendSize: 1_048_576 });
      expect((await append([ofBytes(1_048_576 - 1000), ofBytes(1000)])).nextExpectedRevision).toBe(1n);
    });

    it('19: (B) goes in chunks: the first says where to, the last that it is the last, and one answer comes', async () => {
      const { nextExpectedRevision } = await append(events(50), { batchAppendSize: 512 });
      expect(nextExpectedRevision).toBe(49n);
      const { chunks } = standIn.book;
      expect(chunks.length).toBeGreaterThan(3);
      expect(chunks.map((chunk) => chunk.stream)).toEqual([stream, ...chunks.slice(1).map(() => undefined)]);
      expect(chunks.map((chunk) => chunk.isFinal)).toEqual([...chunks.slice(1).map(() => false), true]);
      expect(chunks.reduce((sum, chunk) => sum + chunk.messages, 0)).toBe(50);
      expect(await read()).toHaveLength(50);
    });

    it('20: (B) of one event as large as a chunk begins with an empty chunk, and is stored', async () => {
      const large = event(0, { text: 'x'.repeat(2_000) });
      await append(large, { batchAppendSize: 1_024 });
      expect(standIn.book.chunks.map(({ messages }) => messages)).toEqual([0, 1]);
      expect(await read()).toHaveLength(1);
    });

    // What follows in this number is written by hand: the official client never sends it.
    describe.each(['23.10', '24.10'] as const)('by hand, in release %s', (release) => {
      let raw: RawAppends;
      beforeEach(async () => {
        await at(release);
        raw = new RawAppends(standIn.port);
      });
      afterEach(() => raw.close());

      it('21: (B) that is never finished is answered once, with a time-out, and nothing is written', async () => {
        const answers = raw.send(stream, { isFinal: false });
        await until(() => answers.length > 0, 5_000);
        await soon(100);
        expect(answers.map(({ message }) => message)).toEqual(['Timeout']);
        expect(answers[0]?.afterMs).toBeGreaterThan(1_900);
        expect(await failureOf(read())).toBeInstanceOf(StreamNotFoundError);
      });

      it('21: (B) without what it needs is refused at once, and answered again when its time is up', async () => {
        const needs = {
          'an expected revision': { expects: false },
          'a type': { properties: { 'content-type': 'application/json' } },
          'a content type': { properties: { type: 'tested' } },
          'an id': { id: '00000000-0000-0000-0000-000000000000' },
        };
        const sent = Object.entries(needs).map(([without, bad]) => ({
          without,
          answers: raw.send(stream, bad),
          hurried: raw.send(stream, { ...bad, deadline: new Date(Date.now() + 1_000) }),
        }));
        await until(() => sent.every(({ answers, hurried }) => answers.length === 2 && hurried.length === 2), 5_000);
        for (const { without, answers, hurried } of sent) {
          const messages = [...answers, ...hurried].map(({ message }) => message);
          expect([without, ...messages]).toEqual([without, 'BadRequest', 'Timeout', 'BadRequest', 'Timeout']);
          expect(answers[0]?.afterMs).toBeLessThan(900);
          expect(answers[1]?.afterMs).toBeGreaterThan(1_900);
          expect(hurried[1]?.afterMs).toBeLessThan(answers[1]!.afterMs - 500);
        }
        expect(await failureOf(read())).toBeInstanceOf(StreamNotFoundError);
      });

      it('21: (B) with an empty content type is stored', async () => {
        const answers = raw.send(stream, { properties: { type: 'tested', 'content-type': '' } });
        await until(() => answers.length > 0);
        expect(answers.map(({ message }) => message)).toEqual(['success']);
        expect(await read()).toMatchObject([{ event: { type: 'tested', isJson: false } }]);
      });
    });

    it('22: (B) gets its own answer, whatever order the answers come in', async () => {
      standIn.faults.appends.push({ kind: 'late', ms: 200, stream });
      const order: string[] = [];
      const first = append(events(3)).finally(() => order.push('first'));
      const second = append(events(5), {}, `${stream}-b`).finally(() => order.push('second'));
      expect((await first).nextExpectedRevision).toBe(2n);
      expect((await second).nextExpectedRevision).toBe(4n);
      expect(order).toEqual(['second', 'first']);
    });

    it.each(['drop', 'cut'] as const)(
      '23: (B) whose %s came after it was stored can be repeated, and is there once',
      async (kind) => {
        await append(event(), { expectedRevision: NO_STREAM });
        const sent = events(2);
        standIn.faults.appends.push({ kind, stored: true });
        expect(await failureOf(append(sent, { expectedRevision: 0n }))).toBeInstanceOf(UnavailableError);
        expect((await append(sent, { expectedRevision: 0n })).nextExpectedRevision).toBe(2n);
        expect(await read()).toHaveLength(3);
      },
    );

    it('24: (B) without an answer is "outcome unknown" to the adapter, which takes another client', async () => {
      const store = await openStore();
      await store.append(stream, entries(1), 'no_stream');
      standIn.faults.appends.push({ kind: 'silence', stored: false });
      await expect(store.append(stream, entries(1), 0)).rejects.toBeInstanceOf(OutcomeUnknown);
      const calls = callsOf('BatchAppend').length;
      expect((await store.append(stream, entries(1), 0)).revision).toBe(1);
      expect(callsOf('BatchAppend')).toHaveLength(calls + 1);
    });

    it('25: (B) is hit when the call of another client breaks; its late answer hurts nobody', async () => {
      const [one, other] = [await openStore(), await openStore({ appendTimeoutMs: 5_000 })];
      await one.append(stream, entries(1), 'no_stream');
      standIn.faults.appends.push({ kind: 'late', ms: 150, stream: `${stream}-b` });
      const hit = failureOf(other.append(`${stream}-b`, entries(1), 'no_stream'));
      await until(() => standIn.faults.appends.length === 0);
      standIn.faults.appends.push({ kind: 'drop', stored: false, stream });
      await expect(one.append(stream, entries(1), 0)).rejects.toBeInstanceOf(OutcomeUnknown);
      expect(await hit).toBeInstanceOf(OutcomeUnknown);
      await until(() => notices.some(({ what }) => what === 'answer without a question'));
      expect((await other.append(`${stream}-b`, entries(1), 0)).revision).toBe(1);
    });

    it('26: (B) that needs the leader is told where it is, and the next one goes there', async () => {
      const leader = await start();
      standIn.faults.leader = { address: '127.0.0.1', port: leader.port };
      const failure = await failureOf(append(event(), { requiresLeader: true }));
      expect(failure).toBeInstanceOf(NotLeaderError);
      expect(failure).toMatchObject({ leader: { address: '127.0.0.1', port: leader.port } });
      expect((await append(event(), { requiresLeader: true })).nextExpectedRevision).toBe(0n);
      expect(leader.book.calls.map(({ method }) => method)).toContain('BatchAppend');
      expect(callsOf('BatchAppend')).toHaveLength(1);
    });

    it('27: (B) at a server that is not ready is no known failure; a lane reads its end and goes on', async () => {
      standIn.faults.appends.push({ kind: 'not ready' });
      expect(await failureOf(append(event()))).toBeInstanceOf(UnknownError);
      const lane = await Lane.open(await openStore(), `${stream}-b`, { onOtherWriter: 'stop', whenFull: 'refuse' });
      standIn.faults.appends.push({ kind: 'not ready' });
      const reads = callsOf('Read').length;
      expect((await lane.append(entries(2))).revision).toBe(1);
      expect(callsOf('Read').length).toBeGreaterThan(reads);
    });

    it('28: (U) that expects something else is answered, not failed, and the answer says what is there', async () => {
      withoutBatch('&throwOnAppendFailure=false');
      await append(events(3), { expectedRevision: NO_STREAM });
      const answer = await append(event(), { expectedRevision: 0n });
      expect(answer).toMatchObject({ success: false, nextExpectedRevision: 2n });
      withoutBatch();
      expect(await failureOf(append(event(), { expectedRevision: 0n }))).toMatchObject({ actualVersion: 2n });
    });

    it('29: (U) without an answer ends at its deadline', async () => {
      withoutBatch();
      standIn.faults.appends.push({ kind: 'silence', stored: false });
      expect(await failureOf(append(event(), { deadline: 300 }))).toBeInstanceOf(DeadlineExceededError);
    });
  });

  describe('a read', () => {
    it('30: of a stream that was never written says so', async () => {
      expect(await failureOf(read())).toBeInstanceOf(StreamNotFoundError);
    });

    it('31: goes both ways from a revision, and past the end to nothing', async () => {
      await append(events(100));
      expect(revisions(await read(stream, { fromRevision: 50n, maxCount: 10 }))).toEqual(range(50, 59));
      expect(revisions(await read(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 }))).toEqual([99]);
      expect(await read(stream, { direction: FORWARDS, fromRevision: 150n })).toEqual([]);
    });

    it('32: of a stream gives each event the position it has in the log', async () => {
      await append(events(5));
      const inStream = (await read()).map((resolved) => resolved.event?.position);
      const inLog = (await readAll()).filter((resolved) => resolved.event?.streamId === stream);
      expect(inStream).toEqual(inLog.map((resolved) => resolved.event?.position));
      expect(inStream.every((position) => position !== undefined && position.commit === position.prepare)).toBe(true);
    });

    it('33: of the log gives positions that rise, in the order in which appends were answered', async () => {
      const answered: string[] = [];
      for (let i = 0; i < 9; i++) {
        const to = `${stream}-${i % 3}`;
        await append(event(), {}, to);
        answered.push(to);
      }
      const found = (await readAll()).map((resolved) => resolved.event!);
      expect(found.map(({ streamId }) => streamId)).toEqual(answered);
      const positions = found.map(({ position }) => position.commit);
      expect(positions).toEqual([...new Set(positions)].sort((a, b) => Number(a - b)));
    });

    it('34: of the log from an event: forwards with it, backwards without, subscribed without', async () => {
      await append(events(5));
      const position = (await read())[2]!.event!.position!;
      expect(revisions(await readAll({ fromPosition: position }))).toEqual([2, 3, 4]);
      expect(revisions(await readAll({ fromPosition: position, direction: BACKWARDS }))).toEqual([1, 0]);
      const heard = hear(client.subscribeToAll({ fromPosition: position }));
      await until(() => heard.said.includes('caughtUp'));
      expect(revisions(heard.events)).toEqual([3, 4]);
    });

    it('35: tells when an event was written, and gives text back as it was', async () => {
      const metadata = Buffer.from('{"مصدر":"تطبيق ﷺ"}');
      const before = Date.now();
      await append(jsonEvent({ type: 'tested', data: { الاسم: 'محمّد' }, metadata }));
      const [found] = await read();
      expect(found?.event?.created.getTime()).toBeGreaterThanOrEqual(before);
      expect(found?.event?.created.getTime()).toBeLessThanOrEqual(Date.now());
      expect(found?.event).toMatchObject({ data: { الاسم: 'محمّد' }, metadata: { مصدر: 'تطبيق ﷺ' } });
    });
  });

  describe('a subscription', () => {
    it.each([
      ['23.10', ['confirmation'], ['confirmation', 'event', 'caughtUp']],
      ['24.10', ['confirmation', 'caughtUp'], ['confirmation', 'caughtUp', 'event']],
    ] as const)('36: to a stream that is not there yet waits, in release %s', async (release, before, after) => {
      await at(release);
      const heard = hear(client.subscribeToStream(stream));
      await until(() => heard.said.length === before.length);
      await soon(100);
      expect(heard.said).toEqual(before);
      await append(event());
      await until(() => heard.said.length === after.length);
      expect(heard.said).toEqual(after);
    });

    it('37: from a revision gives what is behind it, then says that it caught up, then what comes', async () => {
      await append(events(100));
      const heard = hear(client.subscribeToStream(stream, { fromRevision: 49n }));
      await until(() => heard.said.includes('caughtUp'));
      expect(heard.said.indexOf('caughtUp')).toBe(51);
      for (let i = 0; i < 5; i++) await append(event());
      await until(() => heard.events.length >= 55);
      expect(revisions(heard.events)).toEqual(range(50, 104));
    });

    it('38: from the end gives only what comes after its confirmation', async () => {
      await append(events(10));
      const heard = hear(client.subscribeToStream(stream, { fromRevision: END }));
      await until(() => heard.said.includes('confirmation'));
      await append(events(2));
      await until(() => heard.events.length >= 2);
      expect(revisions(heard.events)).toEqual([10, 11]);
    });

    it('39: loses and doubles nothing on its way from what was there to what comes', async () => {
      await append(events(500));
      const heard = [hear(client.subscribeToStream(stream)), hear(client.subscribeToAll())];
      for (let i = 0; i < 100; i++) await append(events(1 + (i % 3)));
      const count = (await read()).length;
      for (const { events: found } of heard) {
        await until(() => found.length >= count);
        expect(revisions(found)).toEqual(range(0, count - 1));
      }
    });

    it('40: that finds nothing for a long while says how far it has looked', async () => {
      await append(events(1_000));
      const places = (await readAll()).map((resolved) => resolved.event!.position.commit);
      const checkpoints: bigint[] = [];
      const filter = streamNameFilter({
        prefixes: ['nobody-'],
        maxSearchWindow: 10,
        checkpointInterval: 5,
        checkpointReached: (_, { commit }) => void checkpoints.push(commit),
      });
      const heard = hear(client.subscribeToAll({ filter }));
      await until(() => heard.said.includes('caughtUp'));
      const looked = checkpoints.map((position) => places.indexOf(position));
      // Fifty considered events, and the page of 32 in which the fiftieth was.
      expect(looked.every((at, i) => at > (looked[i - 1] ?? -1) && at - (looked[i - 1] ?? 0) <= 50 + 32)).toBe(true);
      expect(looked.at(-1)).toBeGreaterThan(1_000 - 50 - 32);
      expect(heard.events).toEqual([]);
    });

    it.each(['23.10', '24.10'] as const)(
      '41: may be sent the position that means "the end", if not by 23.10 (here: %s); the adapter does not go on from there',
      async (release) => {
        await at(release);
        const { position } = await append(event(), {}, 'other');
        const checkpoints: bigint[] = [];
        const filter = streamNameFilter({
          prefixes: ['ledger-'],
          checkpointReached: (_, { commit }) => void checkpoints.push(commit),
        });
        const heard = hear(client.subscribeToAll({ filter }));
        await until(() => heard.said.includes('caughtUp'));
        expect(checkpoints).toEqual([release === '24.10' ? 18446744073709551615n : position?.commit]);

        const store = await openStore();
        const following = followed(store, 1);
        await until(() => standIn.faults.open.subscriptions === 2);
        await soon(100);
        standIn.faults.dropSubscriptions();
        // Appended while nobody is subscribed: from "the end" it would never be seen.
        await store.append(stream, entries(1), 'no_stream');
        expect(await following).toHaveLength(1);
      },
    );

    /** More than all the buffers between server and client hold. */
    const large = (count: number) => range(1, count).map((n) => event(n, { text: 'x'.repeat(4_000) }));

    it('42: of a slow reader gets everything from a current release', async () => {
      const subscription = client.subscribeToStream(stream);
      const heard = hear(subscription);
      await until(() => heard.said.includes('caughtUp'));
      subscription.pause();
      for (let i = 0; i < 20; i++) await append(large(100));
      subscription.resume();
      await until(() => heard.events.length >= 2_000, 30_000);
      expect(revisions(heard.events)).toEqual(range(0, 1_999));
      // It fell behind and caught up again.
      expect(heard.said.filter((what) => what === 'caughtUp').length).toBeGreaterThan(1);
      expect(heard.error).toBeUndefined();
    });

    it.each([
      ['22.10', false],
      ['23.10', true],
    ] as const)(
      '42: of a slow reader is dropped by release %s, and the adapter resumes without a gap',
      async (release, saysCaughtUp) => {
        await at(release);
        await append(event());
        const subscription = client.subscribeToStream(stream);
        const heard = hear(subscription);
        await until(() => heard.events.length === 1);
        await soon(100);
        subscription.pause();
        for (let i = 0; i < 20; i++) await append(large(100));
        subscription.resume();
        await until(() => heard.error !== undefined, 30_000);
        expect(heard.error).toBeInstanceOf(TimeoutError);
        expect(heard.events.length).toBeLessThan(2_000);
        expect(heard.said.includes('caughtUp')).toBe(saysCaughtUp);

        const store = await openStore({ appendTimeoutMs: 10_000 });
        const lane = `${stream}-b`;
        const { position } = await store.append(lane, entries(1), 'no_stream');
        await store.append(lane, entries(1), 0);
        const stop = new AbortController();
        const found: StoredEntry[] = [];
        for await (const batch of store.subscribeToAll({ after: position, batchSize: 10, signal: stop.signal })) {
          if (found.length === 0) for (let i = 0; i < 20; i++) await store.append(lane, entries(500), 1 + i * 500);
          found.push(...batch);
          if (found.length >= 10_001) stop.abort();
        }
        expect(found.map(({ revision }) => revision)).toEqual(range(1, 10_001));
        expect(notices.some(({ what }) => what === 'subscription resumes')).toBe(true);
      },
    );

    it('43: ends with the stream’s mark when it is deleted for good, and goes on when it is only hidden', async () => {
      await append(events(3));
      const heard = hear(client.subscribeToStream(stream));
      await until(() => heard.said.includes('caughtUp'));
      await client.deleteStream(stream);
      await append(event());
      await until(() => heard.events.length === 4);
      expect(heard.error).toBeUndefined();
      await client.tombstoneStream(stream);
      await until(() => heard.error !== undefined);
      expect(heard.events.at(-1)?.event).toMatchObject({ type: '$streamDeleted', revision: 9223372036854775807n });
      expect(heard.error).toBeInstanceOf(StreamDeletedError);
    });

    it('44: breaks when the server is killed, and the adapter resumes behind what it gave', async () => {
      const dataDir = join(directory, stream);
      standIn = await start({ dataDir });
      client = connect();
      const store = await openStore();
      await store.append(stream, entries(3), 'no_stream');
      const heard = hear(client.subscribeToStream(stream));
      let seen = 0;
      const following = followed(store, 5, () => (seen += 1));
      await until(() => heard.events.length === 3 && seen === 3);
      await standIn.stop();
      await until(() => heard.error !== undefined);
      expect([UnavailableError, CancelledError].some((kind) => heard.error instanceof kind)).toBe(true);
      standIn = await start({ dataDir, port: standIn.port });
      const lane = await Lane.open(await openStore(), stream, { onOtherWriter: 'stop', whenFull: 'refuse' });
      await lane.append(entries(2));
      expect((await following).map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4]);
    });

    it('45: that the server ends as if all were well ends without an error, and the adapter resumes', async () => {
      const store = await openStore();
      await store.append(stream, entries(1), 'no_stream');
      const heard = hear(client.subscribeToStream(stream));
      let seen = 0;
      const following = followed(store, 2, () => (seen += 1));
      await until(() => heard.events.length === 1 && seen === 1);
      standIn.faults.dropSubscriptions('end');
      await until(() => heard.said.includes('close'));
      expect(heard.said).toEqual(['confirmation', 'event', 'caughtUp', 'end', 'close']);
      await store.append(stream, entries(1), 0);
      expect((await following).map(({ revision }) => revision)).toEqual([0, 1]);
    });

    it('46: that ends with an error says nothing more, and the adapter resumes all the same', async () => {
      const store = await openStore();
      await store.append(stream, entries(1), 'no_stream');
      const heard = hear(client.subscribeToStream(stream));
      let seen = 0;
      const following = followed(store, 2, () => (seen += 1));
      await until(() => heard.events.length === 1 && seen === 1);
      standIn.faults.dropSubscriptions(code.ABORTED);
      await until(() => heard.error !== undefined);
      await store.append(stream, entries(1), 0);
      await following;
      expect(heard.said).toEqual(['confirmation', 'event', 'caughtUp', 'error']);
    });
  });

  describe('deletes and metadata', () => {
    it('47: a hidden stream goes on with its revisions, and does not count as one that exists', async () => {
      await append(events(3));
      await client.deleteStream(stream);
      expect(await failureOf(read())).toBeInstanceOf(StreamNotFoundError);
      expect(await failureOf(append(event(), { expectedRevision: STREAM_EXISTS }))).toBeInstanceOf(StreamDeletedError);
      expect((await append(event())).nextExpectedRevision).toBe(3n);
      expect(revisions(await read())).toEqual([3]);
    });

    it('48: a stream that was deleted for good gives that error to everything', async () => {
      await append(events(3));
      await client.tombstoneStream(stream);
      expect(await failureOf(append(event()))).toBeInstanceOf(StreamDeletedError);
      expect(await failureOf(read())).toBeInstanceOf(StreamDeletedError);
      expect(await failureOf(client.deleteStream(stream))).toBeInstanceOf(StreamDeletedError);
      expect(await failureOf(client.getStreamMetadata(stream))).toBeInstanceOf(StreamDeletedError);
      withoutBatch();
      expect(await failureOf(append(event()))).toBeInstanceOf(StreamDeletedError);
    });

    it('49: a limit on a stream hides its beginning there, not in the log, and moves no revision', async () => {
      await append(events(10));
      await client.setStreamMetadata(stream, { maxCount: 3 });
      expect(revisions(await read())).toEqual([7, 8, 9]);
      const inLog = (await readAll()).filter((resolved) => resolved.event?.streamId === stream);
      expect(revisions(inLog)).toEqual(range(0, 9));
      expect((await append(event(), { expectedRevision: 9n })).nextExpectedRevision).toBe(10n);
    });

    it('50: a stream that is not there cannot be hidden', async () => {
      const failure = await failureOf(client.deleteStream(stream));
      expect(failure).toBeInstanceOf(WrongExpectedVersionError);
      expect(failure).toMatchObject({ expectedVersion: -2n, actualVersion: -1n });
    });
  });

  describe('rights', () => {
    let root: EventStoreDBClient;
    const restrict = (list: Record<string, unknown>) =>
      root.appendToStream('$settings', jsonEvent({ type: '$settings', data: { $userStreamAcl: list } }));
    beforeEach(async () => {
      standIn = await secured();
      root = connect(standIn.connectionStringOf(admin));
      client = connect(standIn.connectionStringOf(service));
    });

    it('51: (T) the log is for admins, until it says otherwise; without TLS it is for everybody', async () => {
      await append(event());
      expect(await failureOf(readAll())).toBeInstanceOf(AccessDeniedError);
      await root.setStreamMetadata('$all', { acl: { readRoles: ['$admins', service.name] } });
      expect((await readAll()).length).toBeGreaterThan(0);
      const insecure = await start();
      client = connect(insecure.connectionString);
      await append(event());
      expect(await readAll()).toHaveLength(1);
    });

    it('52: (T) the defaults can keep a user from deleting and hiding, while it appends', async () => {
      await append(event());
      await restrict({ $d: '$admins', $mw: '$admins' });
      expect(await failureOf(client.deleteStream(stream))).toBeInstanceOf(AccessDeniedError);
      expect(await failureOf(client.tombstoneStream(stream))).toBeInstanceOf(AccessDeniedError);
      expect(await failureOf(client.setStreamMetadata(stream, { maxCount: 1 }))).toBeInstanceOf(AccessDeniedError);
      expect((await append(event())).nextExpectedRevision).toBe(1n);
      expect(await read()).toHaveLength(2);
    });

    describe.each(['23.10', '24.10'] as const)('of a subscriber, in release %s', (release) => {
      beforeEach(async () => {
        standIn = await secured(release);
        root = connect(standIn.connectionStringOf(admin));
        client = connect(standIn.connectionStringOf(service));
      });
      const onlyAdmins = { readRoles: ['$admins'] };

      it.each<[string, 'stream' | 'log', () => Promise<unknown>]>([
        ['of the stream', 'stream', () => root.setStreamMetadata(stream, { acl: onlyAdmins })],
        ['by default', 'stream', () => restrict({ $r: '$admins' })],
        ['of the log', 'log', () => root.setStreamMetadata('$all', { acl: onlyAdmins })],
      ])('53: (T) withdrawn %s, keeps a %s subscription in 23.10 and ends it in 24.10', async (_, what, withdraw) => {
        await append(event());
        await root.setStreamMetadata('$all', { acl: { readRoles: [service.name, '$admins'] } });
        const heard = hear(what === 'log' ? client.subscribeToAll() : client.subscribeToStream(stream));
        await until(() => heard.said.includes('caughtUp'));
        await withdraw();
        expect(await failureOf(what === 'log' ? readAll() : read())).toBeInstanceOf(AccessDeniedError);
        await append(event());
        if (release === '24.10') {
          await until(() => heard.error !== undefined);
          expect(heard.error).toBeInstanceOf(AccessDeniedError);
        } else {
          await until(() => heard.events.filter((seen) => seen.event?.streamId === stream).length === 2);
          expect(heard.error).toBeUndefined();
        }
      });
    });

    it('54: (T) a wrong password is no right to anything, and the code says that it was the password', async () => {
      client = connect(standIn.connectionStringOf({ ...service, password: 'wrong' }));
      const failure = await failureOf(read());
      expect(failure).toBeInstanceOf(AccessDeniedError);
      expect(failure).toMatchObject({ code: code.UNAUTHENTICATED });
    });
  });

  describe('a server that is killed', () => {
    const kills = Number(process.env['SIJILL_TEST_KILLS'] ?? (FULL_RUN ? 40 : 3));

    it(`55: has all of an append or nothing of it (${kills} kills)`, async () => {
      for (let kill = 0; kill < kills; kill++) {
        const dataDir = join(directory, `killed-${kill}`);
        const main = fileURLToPath(new URL('../support/eventstoredb/main.ts', import.meta.url));
        const child = spawn(process.execPath, ['--import', 'tsx', main, '0', dataDir], {
          stdio: ['ignore', 'pipe', 2],
        });
        const [line] = (await once(child.stdout!, 'data')) as [Buffer];
        client = connect(line.toString().trim());
        await append(event());
        const answers = range(0, 19).map((i) => failureOf(append(events(50), {}, `${stream}-${i}`)));
        await soon((kill * 7) % 20);
        child.kill('SIGKILL');
        const answered = await Promise.all(answers);
        standIn = await start({ dataDir });
        client = connect();
        for (const [i, answer] of answered.entries()) {
          const found = await read(`${stream}-${i}`).catch(() => []);
          expect([0, 50]).toContain(found.length);
          if (!(answer instanceof Error)) expect(found).toHaveLength(50);
        }
      }
    }, 120_000);

    it('55: has all of an append or nothing of it, wherever the file was cut', async () => {
      const whole = join(directory, 'whole');
      standIn = await start({ dataDir: whole });
      client = connect();
      await append(event(), {}, 'before');
      const start50 = statSync(join(whole, 'events.log')).size;
      await append(events(50));
      const end = statSync(join(whole, 'events.log')).size;
      for (let bytes = start50; bytes <= end; bytes += bytes + 97 > end && bytes < end ? end - bytes : 97) {
        const dataDir = join(directory, `cut-${bytes}`);
        mkdirSync(dataDir);
        copyFileSync(join(whole, 'events.log'), join(dataDir, 'events.log'));
        truncateSync(join(dataDir, 'events.log'), bytes);
        standIn = await start({ dataDir });
        client = connect();
        expect(await read('before')).toHaveLength(1);
        expect((await read().catch(() => [])).length).toBe(bytes === end ? 50 : 0);
        await standIn.stop();
      }
    });
  });

  /** The entries of this test's stream, as the adapter follows the log, until there are so many. */
  async function followed(store: EventStore, count: number, onEntry?: () => void): Promise<StoredEntry[]> {
    const stop = new AbortController();
    const found: StoredEntry[] = [];
    for await (const batch of store.subscribeToAll({ after: 0, signal: stop.signal })) {
      batch.forEach(() => onEntry?.());
      found.push(...batch);
      if (found.length >= count) stop.abort();
    }
    return found;
  }
});
