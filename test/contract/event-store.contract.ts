import {
  AppendTooLarge,
  authenticStore,
  EntriesHidden,
  entryAuthenticator,
  foreignLeafText,
  Lane,
  laneEnd,
  LaneGap,
  LaneTakenOver,
  leafText,
  MAX_APPEND_BYTES,
  PositionNotFound,
  readBeside,
  sealedHash,
  StoreRefused,
  StoreUnavailable,
  StreamNotFound,
  WrongExpectedRevision,
  type EntryText,
  type EventStore,
  type KeylessStore,
  type NewEntry,
  type RawEvent,
  writeEntry,
  type StoredEntry,
} from '@sijill/event-store';
import { canonicalJson, hashLeafText, toHex } from '@sijill/transparency';
import { createHash, randomUUID } from 'node:crypto';
import { appendTo, authentic, AUTHENTICATOR } from '../support/entry-keys.js';

/** A new entry with an id of its own. */
export function entry(over: Partial<NewEntry> = {}): NewEntry {
  return { id: randomUUID(), type: 'ledger.tested', data: { n: 1 }, metadata: { salt: randomUUID() }, ...over };
}

export function entries(count: number): NewEntry[] {
  return Array.from({ length: count }, (_, n) => entry({ data: { n } }));
}

/** A stream that no other test has written, on a server that may have seen other runs. */
export function laneName(): string {
  return `ledger-test-${randomUUID()}`;
}

export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of source) found.push(item);
  return found;
}

/** Follows the log until `count` entries of `stream` have come; the batches as they came. */
export async function follow(
  store: EventStore,
  options: { after: number; stream: string; count: number; batchSize?: number; onEntry?: (entry: StoredEntry) => void },
): Promise<StoredEntry[]> {
  const { after, stream, count, batchSize, onEntry } = options;
  const stop = new AbortController();
  const found: StoredEntry[] = [];
  const subscription = store.subscribeToAll({
    after,
    signal: stop.signal,
    ...(batchSize === undefined ? {} : { batchSize }),
  });
  for await (const batch of subscription) {
    expect(batch.length).toBeGreaterThan(0);
    for (const stored of batch.filter((candidate) => candidate.stream === stream)) {
      found.push(stored);
      onEntry?.(stored);
    }
    if (found.length >= count) stop.abort();
  }
  return found;
}

/** Ways to hide entries that are stored. */
export interface Hiding {
  /** Hides all before a revision. */
  truncate(stream: string, before: number): Promise<void>;
  /** Where the store knows such a thing: deletes a stream for now. */
  softDelete?(stream: string): Promise<void>;
}

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);

/**
 * What every event store keeps to. Two adapters pass it, so a caller that is right on one is right on the other.
 *
 * @param open opens one more handle on the same data; the suite closes what it opens
 * @param writeOdd puts whatever the store itself takes into a stream, by other ways than ours; returns how many events that was
 * @param hiding how entries are hidden by somebody who may
 */
export function eventStoreContract(
  open: () => KeylessStore | Promise<KeylessStore>,
  writeOdd: (stream: string) => Promise<number>,
  hiding: Hiding,
): void {
  const opened: EventStore[] = [];
  const anotherKeyless = async (): Promise<KeylessStore> => {
    const handle = await open();
    opened.push(handle);
    return handle;
  };
  const another = async (): Promise<EventStore> => authentic(await anotherKeyless());
  let keyless: KeylessStore;
  let store: EventStore;
  let lane: string;

  beforeEach(async () => {
    keyless = await anotherKeyless();
    store = authentic(keyless);
    lane = laneName();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((handle) => handle.close()));
  });

  const stored = (options?: Parameters<EventStore['readStream']>[1]) => all(store.readStream(lane, options));

  describe('append', () => {
    it('gives revisions from 0 and positions that increase', async () => {
      const first = await store.append(lane, entries(3), 'no_stream');
      const second = await store.append(lane, entries(2), 2);
      expect(first.revision).toBe(2);
      expect(second.revision).toBe(4);
      expect(second.position).toBeGreaterThan(first.position);
      const read = await stored();
      expect(read.map(({ revision }) => revision)).toEqual([0, 1, 2, 3, 4]);
      expect(read[2]?.position).toBe(first.position);
      expect(read[4]?.position).toBe(second.position);
    });

    it('gives back what was stored, member for member', async () => {
      const sent = entry({
        data: { z: [1, { b: null, a: 2.5e-7 }], a: true },
        metadata: { salt: 's', offset: 2 ** 53 - 1 },
      });
      const result = await store.append(lane, [sent], 'no_stream');
      const place = { stream: lane, revision: 0, position: result.position };
      expect(await stored()).toEqual([{ ...sent, ...place, sealed: {}, foreign: false }]);
    });

    it('keeps sealed parts beside the head, and their hashes in the data', async () => {
      const sealed = { subject: 'eyJ.a-_.9', staff: 'b..c' };
      const sent = entry({ data: { n: 1 }, sealed });
      await store.append(lane, [sent, entry()], 'no_stream');
      const data = { n: 1, sealed: { staff: sealedHash('b..c'), subject: sealedHash('eyJ.a-_.9') } };
      expect((await stored()).map((read) => [read.data, read.metadata, read.sealed])).toEqual([
        [data, sent.metadata, sealed],
        [{ n: 1 }, expect.anything(), {}],
      ]);
      const [raw] = await all(keyless.events.readStream(lane));
      expect(Object.keys(JSON.parse(raw!.metadata) as object)).toEqual(['salt', '~']);
      expect(raw!.metadata).toBe(canonicalJson(JSON.parse(raw!.metadata)));
      expect((await all(keyless.readStream(lane)))[0]).toMatchObject({ data, metadata: sent.metadata, sealed });
    });

    it('keeps the canonical text of any value, Arabic included, byte for byte', async () => {
      const data = {
        الاسم: 'محمّد بن عبدالله ـــ لا إله',
        9: 'nine',
        10: 'ten',
        emoji: '👩‍👩‍👧',
        control: '\u0000\u001f"\\/\u2028',
        numbers: [0, -0.5, 1e21, 1e-7, 123456789012345],
        nested: { b: {}, a: [] },
      };
      const sent = entry({ data, metadata: { salt: 'تطبيق' } });
      const after = await store.head();
      await store.append(lane, [sent], 'no_stream');
      const [read] = await stored();
      expect(canonicalJson(read?.data)).toBe(canonicalJson(sent.data));
      expect(canonicalJson(read?.metadata)).toBe(canonicalJson(sent.metadata));
      const text = {
        ...{ id: sent.id, type: sent.type, stream: lane, revision: 0, position: read!.position },
        data: canonicalJson(sent.data),
        metadata: canonicalJson(sent.metadata),
        sealed: '',
        foreign: false,
      };
      const hashed = { ...text, leafHash: toHex(hashLeafText(leafText(text))) };
      const texts: unknown[] = [];
      for await (const batch of store.readTexts({ after })) texts.push(...batch);
      expect(texts).toContainEqual(hashed);
      const ending = new AbortController();
      for await (const batch of store.followTexts({ after, signal: ending.signal })) {
        expect(batch).toContainEqual(hashed);
        ending.abort();
      }
    });

    it('gives the same entries as leaves, in pages, behind a position', async () => {
      const after = await store.head();
      const odd = ['"', '\\', '/', '\u0007', '\t\u001f', '\u007f', 'é', '\u2028', '👩‍👧'].map((type, n) =>
        entry({
          type: `ledger.${type}`,
          data: { الاسم: 'محمّد', text: '\u0000"' },
          ...(n % 2 === 0 ? { sealed: { subject: `part ${n}` } } : {}),
        }),
      );
      const stream = `${lane}-"ب"`;
      await store.append(stream, odd, 'no_stream');
      const texts = (await all(store.readTexts({ after }))).flat();
      const pages = await all(keyless.events.readLeaves({ after, batchSize: 4 }));
      expect(pages.map(({ lengths }) => lengths.length)).toEqual([4, 4, 1]);
      expect(pages.flatMap(({ positions }) => positions)).toEqual(texts.map(({ position }) => position));
      const leaves = texts.map((text) => Buffer.from(`\u0000${leafText(text)}`));
      expect(pages.flatMap(({ lengths }) => lengths)).toEqual(leaves.map(({ length }) => length));
      expect(Buffer.concat(pages.map(({ bytes }) => bytes)).toString()).toBe(Buffer.concat(leaves).toString());
      const besides = pages.flatMap(({ stored: bytes, beside }) =>
        beside.map(([from, to]) => Buffer.from(bytes.subarray(from, to)).toString()),
      );
      expect(besides.map(readBeside)).toEqual(
        texts.map(({ sealed }) => ({ by: AUTHENTICATOR.keyId, mac: expect.stringMatching(/^[\w-]{43}$/), sealed })),
      );
      expect(await all(keyless.events.readLeaves({ after: texts[6]!.position }))).toMatchObject([
        { positions: texts.slice(7).map(({ position }) => position) },
      ]);
      expect(await all(keyless.events.readLeaves({ after: await store.head() }))).toEqual([]);
    });

    it('does not take a stream for new that is there', async () => {
      const first = entries(2);
      await store.append(lane, first, 'no_stream');
      await expect(store.append(lane, entries(1), 'no_stream')).rejects.toMatchObject({
        name: 'WrongExpectedRevision',
        stream: lane,
        expected: 'no_stream',
        actual: 1,
      });
      expect(ids(await stored())).toEqual(ids(first));
    });

    it.each([0, 5])('refuses revision %i of a stream that is not there', async (expected) => {
      const refused = await store.append(lane, entries(1), expected).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(WrongExpectedRevision);
      expect(refused).toMatchObject({ expected, actual: -1 });
      await expect(stored()).rejects.toBeInstanceOf(StreamNotFound);
    });

    it.each([0, 1, 3, 99])('refuses revision %i when the end is at 2', async (expected) => {
      await store.append(lane, entries(3), 'no_stream');
      await expect(store.append(lane, entries(2), expected)).rejects.toMatchObject({ expected, actual: 2 });
      expect(await stored()).toHaveLength(3);
    });

    it('appends anywhere with "any", but not where the place is authenticated', async () => {
      expect((await keyless.append(lane, entries(1), 'any')).revision).toBe(0);
      expect((await keyless.append(lane, entries(2), 'any')).revision).toBe(2);
      await expect(store.append(lane, entries(1), 'any')).rejects.toBeInstanceOf(TypeError);
    });

    it('takes the same id in another stream', async () => {
      const sent = entries(1);
      await store.append(lane, sent, 'no_stream');
      await store.append(`${lane}-b`, sent, 'no_stream');
      expect(await all(store.readStream(`${lane}-b`))).toHaveLength(1);
    });

    it('refuses what is no append at all', async () => {
      await expect(store.append(lane, [], 'no_stream')).rejects.toBeInstanceOf(RangeError);
      for (const over of [
        { id: 'x' },
        { type: '$metadata' },
        { data: { n: NaN } },
        { metadata: {} },
        { metadata: { '~': 1 } },
        { metadata: { a: { '': 1, '~': {} } } },
        { metadata: { مصدر: 1 } },
      ])
        await expect(store.append(lane, [entry(over)], 'no_stream')).rejects.toBeInstanceOf(TypeError);
      await expect(stored()).rejects.toBeInstanceOf(StreamNotFound);
    });
  });

  describe('a repeat', () => {
    it('of a whole append is answered as the first time, also when the stream has grown', async () => {
      const first = entries(2);
      const second = entries(2);
      const original = await store.append(lane, first, 'no_stream');
      const next = await store.append(lane, second, 1);
      await store.append(lane, entries(3), 3);
      expect(await store.append(lane, first, 'no_stream')).toEqual(original);
      expect(await store.append(lane, second, 1)).toEqual(next);
      expect(await stored()).toHaveLength(7);
    });

    it('is known after the store was opened again', async () => {
      const sent = entries(2);
      const original = await store.append(lane, sent, 'no_stream');
      await store.close();
      store = await another();
      expect(await store.append(lane, sent, 'no_stream')).toEqual(original);
      expect(await stored()).toHaveLength(2);
    });

    it('is known by its ids alone', async () => {
      const sent = entry({ data: { n: 1 } });
      await store.append(lane, [sent], 'no_stream');
      await store.append(lane, [{ ...sent, data: { n: 2 } }], 'no_stream');
      expect((await stored()).map(({ data }) => data)).toEqual([{ n: 1 }]);
    });

    it('of the beginning of an append is a repeat', async () => {
      const [a, b, c] = entries(3) as [NewEntry, NewEntry, NewEntry];
      await store.append(lane, [a, b, c], 'no_stream');
      expect((await store.append(lane, [a, b], 'no_stream')).revision).toBe(1);
    });

    it('with something new behind it is a conflict, and the new is not stored', async () => {
      const [a, b, c] = entries(3) as [NewEntry, NewEntry, NewEntry];
      await store.append(lane, [a, b], 'no_stream');
      await expect(store.append(lane, [a, b, c], 'no_stream')).rejects.toMatchObject({ actual: 1 });
      expect(ids(await stored())).toEqual(ids([a, b]));
    });

    it('in another order is a conflict', async () => {
      const [a, b] = entries(2) as [NewEntry, NewEntry];
      await store.append(lane, [a, b], 'no_stream');
      await expect(store.append(lane, [b, a], 'no_stream')).rejects.toBeInstanceOf(WrongExpectedRevision);
    });
  });

  describe('size', () => {
    const ofBytes = (bytes: number) => {
      const empty = entry({ data: { text: '' } });
      return { ...empty, data: { text: 'x'.repeat(bytes - writeEntry(empty).bytes) } };
    };

    it('is taken up to the limit, to the byte', async () => {
      const half = MAX_APPEND_BYTES / 2;
      await store.append(lane, [ofBytes(half), ofBytes(half)], 'no_stream');
      await expect(store.append(lane, [ofBytes(half), ofBytes(half + 1)], 1)).rejects.toBeInstanceOf(AppendTooLarge);
      expect(await stored()).toHaveLength(2);
    });

    it('counts Arabic as it is stored, and the limit is told', async () => {
      const letters = 'م'.repeat(MAX_APPEND_BYTES / 2);
      await expect(store.append(lane, [entry({ data: { letters } })], 'no_stream')).rejects.toMatchObject({
        limitBytes: MAX_APPEND_BYTES,
      });
    });

    it('of a thousand entries at once comes back whole and in order', async () => {
      const sent = entries(1000);
      const result = await store.append(lane, sent, 'no_stream');
      expect(result.revision).toBe(999);
      expect(ids(await stored())).toEqual(ids(sent));
    });
  });

  describe('reading a stream', () => {
    it('that was never written is not the same as reading nothing', async () => {
      await expect(stored()).rejects.toBeInstanceOf(StreamNotFound);
      await expect(stored({ direction: 'backwards', limit: 1 })).rejects.toBeInstanceOf(StreamNotFound);
      await store.append(lane, entries(1), 'no_stream');
      expect(await stored({ from: 1 })).toEqual([]);
    });

    it('goes from a revision, both ways, up to a limit', async () => {
      await store.append(lane, entries(10), 'no_stream');
      const revisions = async (options: Parameters<EventStore['readStream']>[1]) =>
        (await stored(options)).map(({ revision }) => revision);
      expect(await revisions({ from: 7 })).toEqual([7, 8, 9]);
      expect(await revisions({ from: 3, limit: 2 })).toEqual([3, 4]);
      expect(await revisions({ direction: 'backwards', limit: 2 })).toEqual([9, 8]);
      expect(await revisions({ direction: 'backwards', from: 1 })).toEqual([1, 0]);
      expect(await revisions({ direction: 'backwards', from: 50, limit: 1 })).toEqual([9]);
    });

    it('can be left in the middle', async () => {
      await store.append(lane, entries(600), 'no_stream');
      for await (const { revision } of store.readStream(lane)) if (revision === 3) break;
      expect(await stored({ from: 598 })).toHaveLength(2);
    });
  });

  describe('reading all', () => {
    it('gives every stream in the order of the commits, strictly after a position', async () => {
      const before = await store.head();
      const other = `${lane}-b`;
      const a = await store.append(lane, entries(2), 'no_stream');
      const b = await store.append(other, entries(2), 'no_stream');
      const c = await store.append(lane, entries(1), 1);
      const read = (await all(store.readAll({ after: before }))).flat();
      expect(read.map(({ stream, revision }) => [stream, revision])).toEqual([
        [lane, 0],
        [lane, 1],
        [other, 0],
        [other, 1],
        [lane, 2],
      ]);
      const positions = read.map(({ position }) => position);
      expect(positions).toEqual([...new Set(positions)].sort((x, y) => x - y));
      expect(positions[0]).toBeGreaterThan(before);
      expect((await all(store.readAll({ after: a.position }))).flat().map(({ stream }) => stream)).toEqual([
        other,
        other,
        lane,
      ]);
      expect(await all(store.readAll({ after: c.position }))).toEqual([]);
      expect((await all(store.readTexts({ from: b.position }))).flat().map(({ revision }) => revision)).toEqual([1, 2]);
      expect((await all(store.readAll({ from: a.position, batchSize: 1 })))[0]).toMatchObject([{ revision: 1 }]);
      expect(await store.head()).toBe(c.position);
      expect(b.position).toBe(positions[3]);
    });

    it('from a position begins at its entry, and after it behind it; wherever that was given out', async () => {
      await store.append(lane, entries(3), 'no_stream');
      for (const { position, revision } of await stored()) {
        const from = (await all(store.readAll({ from: position }))).flat();
        const after = (await all(store.readTexts({ after: position }))).flat();
        expect(from[0]).toMatchObject({ position, revision });
        expect(after.map((one) => one.position)).toEqual(from.slice(1).map((one) => one.position));
      }
      const all0 = (await all(store.readAll({ from: 0, batchSize: 10_000 }))).flat();
      expect((await all(store.readAll({ after: 0, batchSize: 10_000 }))).flat()).toEqual(all0);
    });

    it('from a position at which no entry of the ledger stands is refused, beyond the end too', async () => {
      const { position } = await store.append(lane, entries(2), 'no_stream');
      const other = await store.append(`other-${lane}`, entries(1), 'no_stream');
      const signal = new AbortController().signal;
      for (const no of [other.position, other.position + 1, other.position + 1_000_000, Number.MAX_SAFE_INTEGER]) {
        for (const read of [
          () => all(store.readAll({ after: no })),
          () => all(store.readAll({ from: no })),
          () => all(store.readTexts({ from: no })),
          () => all(keyless.events.readLeaves({ after: no })),
          () => all(store.subscribeToAll({ after: no, signal })),
          () => all(store.followTexts({ after: no, signal })),
        ]) {
          const refused: unknown = await read().catch((error: unknown) => error);
          expect(refused).toBeInstanceOf(PositionNotFound);
          expect(refused).toBeInstanceOf(StoreRefused);
          expect(refused).toMatchObject({ position: no });
        }
      }
      expect(await all(store.readAll({ after: position }))).toEqual([]);
    });

    it('comes in batches of the size that was asked for', async () => {
      const after = await store.head();
      await store.append(lane, entries(25), 'no_stream');
      const batches = await all(store.readAll({ after, batchSize: 10 }));
      expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
      expect(batches.flat().map(({ revision }) => revision)).toEqual(Array.from({ length: 25 }, (_, i) => i));
    });

    it('has its head at the last entry of the ledger, whoever has written behind it, and whoever asks', async () => {
      const other = await another();
      for (let round = 0; round < 3; round++) {
        const { position } = await appendTo(store, lane, entries(2));
        for (let n = 0; n < 2; n++) {
          expect([await store.head(), await other.head()]).toEqual([position, position]);
          await appendTo(store, `other-${lane}`, entries(3));
        }
        const fresh = await another();
        expect([await store.head(), await other.head(), await fresh.head()]).toEqual([position, position, position]);
        await appendTo(other, lane, entries(1));
        expect(await store.head()).toBeGreaterThan(position);
        expect(await store.head()).toBe(await other.head());
      }
    });

    it('shows streams of the ledger only, and head is the last of theirs', async () => {
      const first = await store.append(lane, entries(1), 'no_stream');
      await store.append(`other-${lane}`, entries(1), 'no_stream');
      expect(await all(store.readAll({ after: first.position }))).toEqual([]);
      expect(await store.head()).toBe(first.position);
      expect(await all(store.readStream(`other-${lane}`))).toHaveLength(1);
    });
  });

  describe('a subscription', () => {
    it('gives what is there and then what comes, each once and in order', async () => {
      const after = await store.head();
      await store.append(lane, entries(40), 'no_stream');
      const following = follow(store, { after, stream: lane, count: 60, batchSize: 7 });
      for (let revision = 39; revision < 59; revision++) await store.append(lane, entries(1), revision);
      expect((await following).map(({ revision }) => revision)).toEqual(Array.from({ length: 60 }, (_, i) => i));
    });

    it('starts strictly after its position', async () => {
      await store.append(lane, entries(5), 'no_stream');
      const third = (await stored())[2] as StoredEntry;
      const found = await follow(store, { after: third.position, stream: lane, count: 2 });
      expect(found.map(({ revision }) => revision)).toEqual([3, 4]);
    });

    it('does not make a single entry wait', async () => {
      const after = await store.head();
      let arrived = 0;
      const following = follow(store, { after, stream: lane, count: 1, onEntry: () => (arrived = performance.now()) });
      await new Promise((resolve) => setTimeout(resolve, 150));
      await store.append(lane, entries(1), 'no_stream');
      const acknowledged = performance.now();
      await following;
      expect(arrived - acknowledged).toBeLessThan(500);
    });

    it('sees what another handle appends', async () => {
      const after = await store.head();
      const following = follow(store, { after, stream: lane, count: 2 });
      const writer = await another();
      await writer.append(lane, entries(1), 'no_stream');
      await new Promise((resolve) => setTimeout(resolve, 120));
      await writer.append(lane, entries(1), 0);
      expect((await following).map(({ revision }) => revision)).toEqual([0, 1]);
    });

    it('is taken up where it was left, by another handle', async () => {
      const after = await store.head();
      await store.append(lane, entries(3), 'no_stream');
      const first = await follow(store, { after, stream: lane, count: 3 });
      await store.close();
      store = await another();
      await store.append(lane, entries(2), 2);
      const position = first.at(-1)?.position ?? 0;
      const rest = await follow(store, { after: position, stream: lane, count: 2 });
      expect(rest.map(({ revision }) => revision)).toEqual([3, 4]);
    });

    it('does not show other streams', async () => {
      const after = await store.head();
      await store.append(`other-${lane}`, entries(3), 'no_stream');
      await store.append(lane, entries(1), 'no_stream');
      const stop = new AbortController();
      for await (const batch of store.subscribeToAll({ after, signal: stop.signal })) {
        expect(batch.map(({ stream }) => stream)).toEqual([lane]);
        stop.abort();
      }
    });

    it('ends when it is told to, while it waits and before it began', async () => {
      const stop = new AbortController();
      const waiting = all(store.subscribeToAll({ after: await store.head(), signal: stop.signal }));
      setTimeout(() => stop.abort(), 50);
      expect(await waiting).toEqual([]);
      expect(await all(store.subscribeToAll({ after: 0, signal: stop.signal }))).toEqual([]);
    });

    it('ends with its store', async () => {
      const waiting = all(store.subscribeToAll({ after: await store.head(), signal: new AbortController().signal }));
      await new Promise((resolve) => setTimeout(resolve, 50));
      await store.close();
      expect(await waiting).toEqual([]);
    });

    it('can be several at once, each at its own pace', async () => {
      const after = await store.head();
      const fast = follow(store, { after, stream: lane, count: 300 });
      const slow = follow(store, { after, stream: lane, count: 300, batchSize: 3 });
      await store.append(lane, entries(300), 'no_stream');
      expect(ids(await slow)).toEqual(ids(await fast));
    });
  });

  describe('two writers', () => {
    it('of one lane: one of them wins each revision, the other is told', async () => {
      const writers = [await another(), await another()] as const;
      await store.append(lane, entries(1), 'no_stream');
      for (let revision = 0; revision < 20; revision++) {
        const outcomes = await Promise.allSettled(
          writers.map((writer) => writer.append(lane, entries(2), revision * 2)),
        );
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
        const [lost] = outcomes.filter((outcome) => outcome.status === 'rejected');
        expect(lost?.reason).toMatchObject({ name: 'WrongExpectedRevision', actual: revision * 2 + 2 });
      }
      expect((await stored()).map(({ revision }) => revision)).toEqual(Array.from({ length: 41 }, (_, i) => i));
    });

    it('of two lanes do not disturb each other', async () => {
      const lanes = [laneName(), laneName()];
      await Promise.all(
        lanes.map(async (name) => {
          const writer = await another();
          await writer.append(name, entries(1), 'no_stream');
          for (let revision = 0; revision < 30; revision++) await writer.append(name, entries(1), revision);
        }),
      );
      for (const name of lanes) expect(await all(store.readStream(name))).toHaveLength(31);
    });
  });

  describe('entries that somebody has hidden', () => {
    const options = { onOtherWriter: 'stop', whenFull: 'refuse' } as const;
    const caught = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

    it('are missed, where a stream begins behind them', async () => {
      await store.append(lane, entries(10), 'no_stream');
      await hiding.truncate(lane, 6);
      for (const read of [stored({ from: 0 }), stored({ from: 2, limit: 1 }), stored({ direction: 'backwards' })]) {
        const missed = await caught(read);
        expect(missed).toBeInstanceOf(LaneGap);
        expect(missed).toBeInstanceOf(EntriesHidden);
        expect(missed).toMatchObject({ stream: lane, last: 5, message: expect.stringContaining('$tb') });
      }
      expect(await caught(stored({ from: 2 }))).toMatchObject({ first: 2, last: 5 });
      expect((await stored({ from: 6 })).map(({ revision }) => revision)).toEqual([6, 7, 8, 9]);
      expect(await stored({ direction: 'backwards', limit: 4 })).toHaveLength(4);
      // The lane's end is there, and it goes on behind it.
      const open = await Lane.open(store, lane, options);
      expect((await open.append(entries(1))).revision).toBe(10);
      await open.close();
    });

    const ways: [string, (name: string) => Promise<void>][] = [
      ['truncated to its end', (name) => hiding.truncate(name, 10)],
    ];
    const { softDelete } = hiding;
    if (softDelete !== undefined) ways.push(['deleted for now', softDelete]);
    describe.each(ways)('in a stream that is %s', (_, hide) => {
      it('make it no empty one', async () => {
        await store.append(lane, entries(10), 'no_stream');
        await hide(lane);
        expect(await caught(stored())).toBeInstanceOf(EntriesHidden);
        expect(await caught(stored({ direction: 'backwards', limit: 1 }))).toBeInstanceOf(EntriesHidden);
        expect(await caught(laneEnd(store, lane))).toBeInstanceOf(EntriesHidden);
        const opening = await caught(Lane.open(store, lane, options));
        expect(opening).toBeInstanceOf(EntriesHidden);
        expect(opening).toMatchObject({ stream: lane, first: 0 });
      });

      it('are never said to be stored', async () => {
        const sent = entries(10);
        await store.append(lane, sent, 'no_stream');
        await store.append(`${lane}-b`, entries(1), 'no_stream');
        await hide(lane);
        if (store.kind !== 'embedded') {
          expect(await caught(store.append(lane, sent, 'no_stream'))).toBeInstanceOf(EntriesHidden);
          expect(await caught(store.append(lane, sent.slice(5), 4))).toBeInstanceOf(EntriesHidden);
        }
        expect(await caught(store.append(lane, entries(1), 4))).toBeInstanceOf(WrongExpectedRevision);
        if (softDelete !== undefined)
          expect(await caught(store.append(lane, entries(1), 'no_stream'))).not.toHaveProperty('position');
      });

      it('stop a lane that meets them', async () => {
        const first = await Lane.open(store, lane, options);
        const second = await Lane.open(store, lane, options);
        await first.append(entries(10));
        await hide(lane);
        if (store.kind === 'embedded') return first.close();
        expect(await caught(second.append(entries(1)))).toBeInstanceOf(EntriesHidden);
        expect(second.failure).toBeInstanceOf(EntriesHidden);
        await first.close();
        await second.close();
      });
    });
  });

  describe('what somebody else has written into a stream of the ledger', () => {
    const marks = (list: readonly { foreign: boolean }[]) => list.map(({ foreign }) => (foreign ? 'foreign' : 'ours'));
    /** All of the lane by every way to read it; each gives the same. */
    const readings = async (of: EventStore, after: number, count: number): Promise<EntryText[]> => {
      const ending = new AbortController();
      const followed: EntryText[] = [];
      for await (const batch of of.followTexts({ after, signal: ending.signal })) {
        followed.push(...batch);
        if (followed.length >= count) ending.abort();
      }
      const texts = (await all(of.readTexts({ after }))).flat();
      expect(followed).toEqual(texts);
      const told = texts.map(({ id, revision, position, foreign, sha256 }) => [
        id,
        revision,
        position,
        foreign,
        sha256,
      ]);
      for (const read of [
        (await all(of.readAll({ after }))).flat(),
        await follow(of, { after, stream: lane, count }),
        await all(of.readStream(lane)),
        (await all(of.readStream(lane, { direction: 'backwards' }))).reverse(),
      ])
        expect(read.map((one) => [one.id, one.revision, one.position, one.foreign, one.sha256])).toEqual(told);
      return texts;
    };

    it('is read as foreign, whatever it is, with the same digest each time; and stops nobody', async () => {
      const after = await store.head();
      const first = await Lane.open(store, lane, { onOtherWriter: 'stop', whenFull: 'refuse' });
      await first.append(entries(2));
      const odd = await writeOdd(lane);
      expect(odd).toBeGreaterThan(8);
      expect(await store.head()).toBeGreaterThan(after);
      // A lane that was open goes on behind it, and so does one that is opened now.
      expect((await first.append(entries(1))).revision).toBe(odd + 2);
      const again = await writeOdd(lane);
      const next = await Lane.open(store, lane, { onOtherWriter: 'stop', whenFull: 'refuse' });
      expect(next.endAtOpening?.revision).toBe(odd + 2);
      await next.append(entries(1));
      await expect(first.append(entries(1))).rejects.toBeInstanceOf(LaneTakenOver);

      const count = odd + again + 4;
      const texts = await readings(store, after, count);
      expect(marks(texts)).toEqual([
        ...['ours', 'ours', ...Array(odd).fill('foreign')],
        ...['ours', ...Array(again).fill('foreign'), 'ours'],
      ]);
      expect(await readings(await another(), after, count)).toEqual(texts);
      const raw = (await all(keyless.events.readAll({ after }))).flat();
      for (const [i, text] of texts.entries()) {
        const { id, type, data, metadata } = raw[i]!;
        const sha256 = createHash('sha256').update(`${id}\n${type}\n${data}\n${metadata}`).digest('hex');
        expect(text.sha256).toBe(text.foreign ? sha256 : undefined);
        if (!text.foreign) continue;
        expect(text).toMatchObject({ data: '{}', metadata: '{}', sealed: '' });
        expect(leafText(text)).toBe(canonicalJson({ foreign: true, lane, revision: text.revision, sha256 }));
      }
      // Without a key nothing stops either, and leaves are given for all.
      expect((await all(keyless.readAll({ after }))).flat()).toHaveLength(count);
      expect((await all(keyless.events.readLeaves({ after }))).flatMap(({ lengths }) => lengths)).toHaveLength(count);
      await first.close();
      await next.close();
    });

    it('may begin a stream: a lane goes on behind it, and reading goes on from it', async () => {
      const odd = await writeOdd(lane);
      const strange = await stored();
      expect(strange).toHaveLength(odd);
      const last = strange.at(-1)!.position;
      expect(await store.head()).toBe(last);
      const opened = await Lane.open(store, lane, { onOtherWriter: 'stop', whenFull: 'refuse' });
      expect(opened.endAtOpening).toBeNull();
      const { revision, position } = await opened.append(entries(1));
      expect(revision).toBe(odd);
      expect((await all(store.readAll({ after: last }))).flat()).toMatchObject([{ position, foreign: false }]);
      expect((await all(store.readTexts({ from: last }))).flat()).toHaveLength(2);
      expect(await follow(store, { after: last, stream: lane, count: 1 })).toMatchObject([{ position }]);
      expect(await store.head()).toBe(position);
      await opened.close();
    });

    it('is foreign too when it is an entry of ours, at another place or changed', async () => {
      const after = await store.head();
      await store.append(lane, [entry({ sealed: { subject: 'a.b' } }), entry({ data: { n: 2 } })], 'no_stream');
      const [one, two] = (await all(keyless.events.readStream(lane))) as [RawEvent, RawEvent];
      const other = entry();
      const changes: Partial<RawEvent>[] = [
        one,
        two,
        { ...two, id: randomUUID() },
        { ...two, type: 'ledger.other' },
        { ...two, data: one.data },
        { ...two, metadata: one.metadata },
        { ...two, metadata: two.metadata.replace('"by":"a1"', '"by":"a2"') },
        { ...two, metadata: two.metadata.replace(/"mac":"[^"]*"/, '"mac":""') },
        { ...two, metadata: canonicalJson(other.metadata) },
        { ...two, metadata: canonicalJson({ ...other.metadata, '~': { by: 'a1', mac: 'x'.repeat(43) } }) },
      ];
      // At the lane's end exactly: with "any" a store may take what has an id of ours for a repeat.
      for (const [i, change] of changes.entries()) await keyless.events.append(lane, [{ ...two, ...change }], 1 + i);
      expect(marks(await stored())).toEqual(['ours', 'ours', ...changes.map(() => 'foreign')]);
      // To whoever has no key they look like entries, and each has both leaves.
      const texts = (await all(store.readTexts({ after }))).flat();
      const looks = (await all(keyless.readTexts({ after }))).flat();
      expect(marks(looks)).toEqual(looks.map(() => 'ours'));
      for (const [i, text] of texts.entries())
        expect(leafText(text) === leafText(looks[i]!)).toBe(i < 2 ? true : false);
      expect(leafText(texts[2]!)).toBe(foreignLeafText({ ...texts[2]!, sha256: texts[2]!.sha256! }));
    });

    it('is told by the key that it names; a key that the ledger has, and this process lacks, is missed instead', async () => {
      const [one, two] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
      const newest = authenticStore(keyless, entryAuthenticator({ current: 'k2', keys: { k1: one, k2: two } }));
      // Yesterday's keyring, until it is put right; the ledger's own list has both keys.
      let keyring: Record<string, Uint8Array> = { k1: one };
      const keysNow = (missing: readonly string[]): Promise<Record<string, Uint8Array>> =>
        missing.includes('k2') && keyring['k2'] === undefined
          ? Promise.reject(new Error('lacks the key k2'))
          : Promise.resolve(keyring);
      const late = authenticStore(keyless, entryAuthenticator({ current: 'k1', keys: { k1: one }, keysNow }));
      const after = await store.head();
      await late.append(lane, [entry()], 'no_stream');
      const [own] = (await all(keyless.events.readStream(lane))) as [RawEvent];
      const naming = (by: string): RawEvent => ({
        ...own,
        id: randomUUID(),
        metadata: own.metadata.replace('"by":"k1"', `"by":"${by}"`),
      });
      // Made up by somebody, and no id at all.
      await keyless.events.append(lane, [naming('k9'), naming('no id')], 0);
      const said = (texts: readonly EntryText[]): unknown[] => texts.map((one) => [one.foreign, one.unknownKey]);
      const strange = [
        [true, 'k9'],
        [true, undefined],
      ];
      expect(said(await readings(late, after, 3))).toEqual([[false, undefined], ...strange]);

      await newest.append(lane, [entry()], 2);
      const ways: (() => Promise<unknown>)[] = [
        () => all(late.readAll({ after })),
        () => all(late.readTexts({ after })),
        () => all(late.readStream(lane)),
        () => follow(late, { after, stream: lane, count: 4 }),
        () => all(late.followTexts({ after, signal: AbortSignal.timeout(5_000) })),
      ];
      for (const read of ways) await expect(read()).rejects.toThrow('lacks the key k2');
      keyring = { k1: one, k2: two };
      expect(said(await readings(late, after, 4))).toEqual([[false, undefined], ...strange, [false, undefined]]);
    });
  });

  it('does nothing more once it is closed', async () => {
    await store.append(lane, entries(1), 'no_stream');
    await store.close();
    await store.close();
    await expect(store.append(lane, entries(1), 0)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.head()).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(stored()).rejects.toBeInstanceOf(StoreUnavailable);
  });
}
