import {
  OutcomeUnknown,
  PositionNotFound,
  StoreRefused,
  StoreUnavailable,
  WrongExpectedRevision,
  openEventStoreDb,
  type EventStore,
  type EventStoreDbOptions,
  type StoreNotice,
} from '@sijill/event-store';
import { EventStoreDBClient } from '@eventstore/db-client';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { all, entries, entry, follow, laneName } from './event-store.contract.js';

/** gRPC status codes a server or a connection ends a subscription with. */
const ABORTED = 10;
const PERMISSION_DENIED = 7;
const UNAVAILABLE = 14;

/** More than an answer takes on a machine with much to do. */
const LIMIT_MS = 1_500;
const soon = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !condition(); i++) await soon(10);
  expect(condition()).toBe(true);
}

describe('EventStoreDB, when things break', () => {
  let directory: string;
  let standIn: StandIn;
  let notices: StoreNotice[];
  let unhandled: unknown[];
  let opened: EventStore[];
  let lane: string;
  const onUnhandled = (error: unknown) => unhandled.push(error);

  const open = async (options: Partial<EventStoreDbOptions> = {}): Promise<EventStore> => {
    const { connectionString } = standIn;
    const onNotice = (notice: StoreNotice) => notices.push(notice);
    const store = await openEventStoreDb({ connectionString, appendTimeoutMs: LIMIT_MS, onNotice, ...options });
    opened.push(store);
    return store;
  };
  const restart = async () => {
    await standIn.stop();
    standIn = await startEventStoreDbStandIn({ port: standIn.port, dataDir: directory });
  };
  const stored = (store: EventStore) => all(store.readStream(lane));

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'stand-in-'));
    standIn = await startEventStoreDbStandIn({ dataDir: directory });
    [notices, unhandled, opened, lane] = [[], [], [], laneName()];
    process.on('unhandledRejection', onUnhandled);
    process.on('uncaughtException', onUnhandled);
  });
  afterEach(async () => {
    await Promise.all(opened.map((store) => store.close()));
    await soon(20);
    // Nothing is left open on the server, and nothing has failed where nobody looks.
    expect(standIn.faults.open).toEqual({ reads: 0, subscriptions: 0, appends: 0 });
    expect(unhandled).toEqual([]);
    process.off('unhandledRejection', onUnhandled);
    process.off('uncaughtException', onUnhandled);
    await standIn.stop();
    rmSync(directory, { recursive: true });
  });

  describe('an append', () => {
    it('whose connection breaks after it was stored has an unknown outcome, and its repeat tells', async () => {
      const store = await open();
      await store.append(lane, entries(1), 'no_stream');
      standIn.faults.appends.push({ kind: 'drop', stored: true });
      const sent = entries(2);
      await expect(store.append(lane, sent, 0)).rejects.toBeInstanceOf(OutcomeUnknown);
      expect(await stored(store)).toHaveLength(3);
      expect((await store.append(lane, sent, 0)).revision).toBe(2);
      expect(await stored(store)).toHaveLength(3);
    });

    it('whose connection breaks before it was stored has an unknown outcome too, and its repeat stores it', async () => {
      const store = await open();
      await store.append(lane, entries(1), 'no_stream');
      standIn.faults.appends.push({ kind: 'drop', stored: false });
      const sent = entries(2);
      await expect(store.append(lane, sent, 0)).rejects.toBeInstanceOf(OutcomeUnknown);
      expect(await stored(store)).toHaveLength(1);
      expect((await store.append(lane, sent, 0)).revision).toBe(2);
    });

    it.each([true, false])(
      'without an answer is given up in time, and a new client goes on (stored: %s)',
      async (isStored) => {
        const store = await open();
        await store.append(lane, entries(1), 'no_stream');
        standIn.faults.appends.push({ kind: 'silence', stored: isStored });
        const sent = entries(1);
        const began = performance.now();
        await expect(store.append(lane, sent, 0)).rejects.toBeInstanceOf(OutcomeUnknown);
        expect(performance.now() - began).toBeLessThan(LIMIT_MS + 3_000);
        expect(notices).toMatchObject([{ what: 'connection replaced' }]);
        expect((await store.append(lane, sent, 0)).revision).toBe(1);
        expect(await stored(store)).toHaveLength(2);
        expect(standIn.faults.open.appends).toBe(1);
      },
    );

    it('is not lost with another one whose client is given up', async () => {
      const store = await open();
      standIn.faults.appends.push({ kind: 'silence', stored: false, stream: lane });
      standIn.faults.appends.push({ kind: 'late', ms: LIMIT_MS + 700, stream: `${lane}-b` });
      const silent = store.append(lane, entries(1), 'no_stream').catch((error: unknown) => error);
      await soon(700);
      const late = store.append(`${lane}-b`, entries(1), 'no_stream').catch((error: unknown) => error);
      expect(await silent).toBeInstanceOf(OutcomeUnknown);
      // The second client answers while the first one still waits for its late answer, within that append's own limit.
      expect((await store.append(lane, entries(1), 'no_stream')).revision).toBe(0);
      expect(await late).toBeInstanceOf(OutcomeUnknown);
      expect(await all(store.readStream(`${lane}-b`))).toHaveLength(1);
    });

    it('that is answered after its time limit hurts nobody', async () => {
      const store = await open();
      standIn.faults.appends.push({ kind: 'late', ms: LIMIT_MS + 700 });
      await expect(store.append(lane, entries(1), 'no_stream')).rejects.toBeInstanceOf(OutcomeUnknown);
      await soon(1_000);
      expect((await store.append(lane, entries(1), 0)).revision).toBe(1);
    });

    it.each([-3_600_000, -6_000, 3_600_000])('by a clock that is %i ms off is taken all the same', async (off) => {
      // A process of its own, which has the right time.
      const main = fileURLToPath(new URL('../support/eventstoredb/main.ts', import.meta.url));
      const server = spawn(process.execPath, ['--import', 'tsx', main, '0', join(directory, 'apart')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const now = Date.now;
      try {
        const [line] = (await once(server.stdout, 'data')) as [Buffer];
        const store = await open({ connectionString: line.toString().trim(), appendTimeoutMs: 5_000 });
        Date.now = () => now() + off;
        expect((await store.append(lane, entries(2), 'no_stream')).revision).toBe(1);
        expect((await store.append(lane, entries(1), 1)).revision).toBe(2);
      } finally {
        Date.now = now;
        server.kill();
      }
    });

    it('that is answered twice hurts nobody', async () => {
      const store = await open();
      standIn.faults.appends.push({ kind: 'twice' });
      expect((await store.append(lane, entries(1), 'no_stream')).revision).toBe(0);
      expect((await store.append(lane, entries(1), 0)).revision).toBe(1);
      expect(notices).toMatchObject([{ what: 'answer without a question' }]);
    });

    it('whose call the server ends as if all were well is given up, and a new client goes on', async () => {
      const store = await open();
      standIn.faults.appends.push({ kind: 'end', stored: true });
      const sent = entries(1);
      await expect(store.append(lane, sent, 'no_stream')).rejects.toBeInstanceOf(OutcomeUnknown);
      expect((await store.append(lane, sent, 'no_stream')).revision).toBe(0);
    });

    it('at a server that is not ready has an unknown outcome, and the next one goes through', async () => {
      const store = await open();
      standIn.faults.appends.push({ kind: 'not ready' });
      await expect(store.append(lane, entries(1), 'no_stream')).rejects.toBeInstanceOf(OutcomeUnknown);
      expect((await store.append(lane, entries(1), 'no_stream')).revision).toBe(0);
    });

    it('of one store is hit when the call of another store breaks, and does not say that it failed', async () => {
      const [one, other] = [await open(), await open({ appendTimeoutMs: 5000 })];
      await one.append(lane, entries(1), 'no_stream');
      const sent = entries(1);
      standIn.faults.appends.push({ kind: 'late', ms: 150, stream: `${lane}-b` });
      const hit = other.append(`${lane}-b`, sent, 'no_stream').catch((error: unknown) => error);
      await soon(50);
      standIn.faults.appends.push({ kind: 'drop', stored: false, stream: lane });
      await expect(one.append(lane, entries(1), 0)).rejects.toBeInstanceOf(OutcomeUnknown);
      expect(await hit).toBeInstanceOf(OutcomeUnknown);
      // Its answer comes when nobody asks for it any more. The call that carried it still works.
      await until(() => notices.some(({ what }) => what === 'answer without a question'));
      expect((await other.append(`${lane}-b`, sent, 'no_stream')).revision).toBe(0);
      expect((await other.append(`${lane}-b`, entries(1), 0)).revision).toBe(1);
    });

    it('of one store is left alone when another store gives its client up', async () => {
      const [one, other] = [await open(), await open({ appendTimeoutMs: 5000 })];
      standIn.faults.appends.push({ kind: 'silence', stored: false, stream: lane });
      standIn.faults.appends.push({ kind: 'late', ms: LIMIT_MS + 1_000, stream: `${lane}-b` });
      const patient = other.append(`${lane}-b`, entries(1), 'no_stream');
      await expect(one.append(lane, entries(1), 'no_stream')).rejects.toBeInstanceOf(OutcomeUnknown);
      expect((await patient).revision).toBe(0);
    });

    it('to a server that is not there was not sent', async () => {
      const store = await open();
      await standIn.stop();
      await expect(store.append(lane, entries(1), 'no_stream')).rejects.toBeInstanceOf(StoreUnavailable);
      standIn = await startEventStoreDbStandIn({ port: standIn.port, dataDir: directory });
      await until(() => notices.length >= 0);
      for (let tries = 0; ; tries++) {
        const result = await store.append(lane, entries(1), 'no_stream').catch((error: unknown) => error);
        if (!(result instanceof StoreUnavailable) || tries > 50) return expect(result).toMatchObject({ revision: 0 });
        await soon(100);
      }
    });

    it.each(['unknown', 'silence'] as const)(
      'recovers when the server once failed to say what it can do (%s)',
      async (how) => {
        const store = await open();
        standIn.faults.features = how;
        const sent = entries(1);
        const failure = await store.append(lane, sent, 'no_stream').catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(how === 'unknown' ? StoreUnavailable : OutcomeUnknown);
        standIn.faults.features = 'answered';
        expect((await store.append(lane, sent, 'no_stream')).revision).toBe(0);
      },
    );

    it('works on a server that has no batch append', async () => {
      standIn.faults.features = 'unimplemented';
      const store = await open();
      const sent = entries(2);
      const result = await store.append(lane, sent, 'no_stream');
      expect(await store.append(lane, sent, 'no_stream')).toEqual(result);
      await expect(store.append(lane, entries(1), 0)).rejects.toBeInstanceOf(WrongExpectedRevision);
    });

    it('to a stream that somebody deleted for good is refused, as is reading it', async () => {
      const store = await open();
      await store.append(lane, entries(1), 'no_stream');
      const admin = EventStoreDBClient.connectionString(standIn.connectionString);
      await admin.tombstoneStream(lane);
      await expect(store.append(lane, entries(1), 0)).rejects.toBeInstanceOf(StoreRefused);
      await expect(stored(store)).rejects.toBeInstanceOf(StoreRefused);
      // The server's own mark in the stream is no entry of the ledger.
      expect((await all(store.readAll())).flat()).toHaveLength(1);
    });

    it('is known as a repeat when the server was restarted in between', async () => {
      const store = await open();
      const sent = entries(3);
      const original = await store.append(lane, sent, 'no_stream');
      await restart();
      for (let tries = 0; ; tries++) {
        const result = await store.append(lane, sent, 'no_stream').catch((error: unknown) => error);
        const notYet = result instanceof StoreUnavailable || result instanceof OutcomeUnknown;
        if (!notYet || tries > 50) return expect(result).toEqual(original);
        await soon(100);
      }
    });
  });

  describe('a subscription', () => {
    it.each([
      ['an error', UNAVAILABLE],
      ['a time-out', ABORTED],
      ['an end', 'end'],
    ] as const)('that is cut off again and again by %s gives each entry once and in order', async (_, how) => {
      const store = await open();
      await store.append(lane, entries(200), 'no_stream');
      let drops = 0;
      const following = follow(store, {
        after: 0,
        stream: lane,
        count: 300,
        batchSize: 10,
        onEntry: ({ revision }) => {
          if (revision % 60 !== 59) return;
          drops += 1;
          standIn.faults.dropSubscriptions(how);
        },
      });
      for (let revision = 199; revision < 299; revision++) await store.append(lane, entries(1), revision);
      expect((await following).map(({ revision }) => revision)).toEqual(Array.from({ length: 300 }, (_, i) => i));
      expect(drops).toBe(5);
      expect(notices.filter(({ what }) => what === 'subscription resumes').length).toBeGreaterThan(0);
    });

    it('outlives its server', async () => {
      const store = await open();
      await store.append(lane, entries(5), 'no_stream');
      let seen = 0;
      const following = follow(store, { after: 0, stream: lane, count: 10, onEntry: () => (seen += 1) });
      await until(() => seen === 5);
      await restart();
      for (let revision = 4; revision < 9;) {
        const result = await store.append(lane, [entry()], revision).catch((error: unknown) => error);
        if (result instanceof Error) await soon(50);
        else revision += 1;
      }
      expect((await following).map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    it('waits for a server that is not there yet, and can be told to stop', async () => {
      const store = await open();
      await standIn.stop();
      const stop = new AbortController();
      const stopped = all(store.subscribeToAll({ after: 0, signal: stop.signal }));
      const following = follow(store, { after: 0, stream: lane, count: 1 });
      await until(() => notices.length >= 2);
      stop.abort();
      expect(await stopped).toEqual([]);
      standIn = await startEventStoreDbStandIn({ port: standIn.port, dataDir: directory });
      const writer = await open();
      await writer.append(lane, entries(1), 'no_stream');
      expect(await following).toHaveLength(1);
    });

    it('that has gone silent is noticed at the log’s end and taken up again', async () => {
      const store = await open({ stallCheckMs: 100 });
      standIn.faults.muteSubscriptions = true;
      const following = follow(store, { after: 0, stream: lane, count: 1 });
      await soon(250);
      expect(notices).toEqual([]);
      await store.append(lane, entries(1), 'no_stream');
      await until(() => notices.some(({ what }) => what === 'subscription resumes'));
      standIn.faults.muteSubscriptions = false;
      expect(await following).toHaveLength(1);
    });

    it('without the right to read ends with that, and does not try for ever', async () => {
      const store = await open();
      const following = all(store.subscribeToAll({ after: 0, signal: new AbortController().signal }));
      await until(() => standIn.faults.open.subscriptions === 1);
      standIn.faults.dropSubscriptions(PERMISSION_DENIED);
      await expect(following).rejects.toBeInstanceOf(StoreRefused);
    });

    it('from a position of another log is refused', async () => {
      const store = await open();
      const { position } = await store.append(lane, entries(2), 'no_stream');
      const signal = new AbortController().signal;
      const after = position - 1;
      await expect(all(store.subscribeToAll({ after, signal }))).rejects.toBeInstanceOf(PositionNotFound);
      await expect(all(store.readAll({ after }))).rejects.toBeInstanceOf(PositionNotFound);
      await expect(all(store.readAll({ from: after }))).rejects.toBeInstanceOf(PositionNotFound);
    });

    it('is looked at anew whenever it resumes: a log that is another one by then is not followed', async () => {
      const store = await open();
      await store.append(lane, entries(3), 'no_stream');
      let seen = 0;
      const following = follow(store, { after: 0, stream: lane, count: 10, onEntry: () => (seen += 1) });
      await until(() => seen === 3);
      const { port } = standIn;
      await standIn.stop();
      standIn = await startEventStoreDbStandIn({ port });
      await expect(following).rejects.toBeInstanceOf(PositionNotFound);
    });

    it('that resumes says why', async () => {
      const store = await open();
      const { position } = await store.append(lane, entries(1), 'no_stream');
      const following = follow(store, { after: 0, stream: lane, count: 2 });
      await until(() => standIn.faults.open.subscriptions === 1);
      await soon(50);
      standIn.faults.dropSubscriptions(UNAVAILABLE);
      await until(() => notices.some(({ what }) => what === 'subscription resumes'));
      expect(notices[0]!.detail).toBe(
        `after position ${position}: 14 UNAVAILABLE: the stand-in dropped the subscription`,
      );
      await store.append(lane, entries(1), 0);
      await following;
    });
  });

  describe('closing', () => {
    it('waits for the append under way', async () => {
      const store = await open();
      standIn.faults.appends.push({ kind: 'late', ms: 150 });
      const appended = store.append(lane, entries(1), 'no_stream');
      await soon(50);
      await store.close();
      expect((await appended).revision).toBe(0);
    });

    it('leaves no call open, also of readers that left in the middle', async () => {
      const store = await open();
      await store.append(lane, entries(500), 'no_stream');
      for (let i = 0; i < 5; i++) {
        for await (const { revision } of store.readStream(lane)) if (revision === 2) break;
        for await (const batch of store.readAll({ batchSize: 10 })) if (batch.length > 0) break;
        for await (const batch of store.subscribeToAll({ after: 0, signal: new AbortController().signal }))
          if (batch.length > 0) break;
      }
      await until(() => standIn.faults.open.reads === 0 && standIn.faults.open.subscriptions === 0);
      await store.close();
      await until(() => standIn.faults.open.appends === 0);
    });
  });

  it('looks at what others have written behind the ledger once, not each time that it is asked for the end', async () => {
    const writer = await open();
    const { position } = await writer.append(lane, entries(1), 'no_stream');
    await writer.append('other', entries(900), 'no_stream');
    const store = await open();
    let seen = 0;
    const readAll = EventStoreDBClient.prototype.readAll;
    EventStoreDBClient.prototype.readAll = function (this: EventStoreDBClient, ...args: unknown[]) {
      const reading = (readAll as (...all: unknown[]) => ReturnType<typeof readAll>).apply(this, args);
      reading.on('data', () => (seen += 1));
      reading.pause();
      return reading;
    } as never;
    try {
      expect(await store.head()).toBe(position);
      expect(seen).toBeGreaterThan(900);
      seen = 0;
      expect(await store.head()).toBe(position);
      await writer.append('other', entries(5), 899);
      expect(await store.head()).toBe(position);
      expect(seen).toBeLessThan(200);
    } finally {
      EventStoreDBClient.prototype.readAll = readAll;
    }
  });

  it('refuses a connection string it cannot read', async () => {
    await expect(open({ connectionString: 'http://127.0.0.1' })).rejects.toBeInstanceOf(StoreRefused);
  });
});
