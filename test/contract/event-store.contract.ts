import {
  AppendTooLarge,
  leafText,
  MAX_APPEND_BYTES,
  StoreUnavailable,
  StreamNotFound,
  WrongExpectedRevision,
  type EventStore,
  type NewEntry,
  writeEntry,
  type StoredEntry,
} from '@sijill/event-store';
import { canonicalJson } from '@sijill/transparency';
import { randomUUID } from 'node:crypto';

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

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id);

/**
 * What every event store keeps to. Two adapters pass it, so a caller that is right on one is right on the other.
 *
 * @param open opens one more handle on the same data; the suite closes what it opens
 */
export function eventStoreContract(open: () => EventStore | Promise<EventStore>): void {
  const opened: EventStore[] = [];
  const another = async (): Promise<EventStore> => {
    const store = await open();
    opened.push(store);
    return store;
  };
  let store: EventStore;
  let lane: string;

  beforeEach(async () => {
    store = await another();
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
      expect(await stored()).toEqual([{ ...sent, stream: lane, revision: 0, position: result.position }]);
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
      const sent = entry({ data, metadata: { مصدر: 'تطبيق' } });
      const after = await store.head();
      await store.append(lane, [sent], 'no_stream');
      const [read] = await stored();
      expect(canonicalJson(read?.data)).toBe(canonicalJson(sent.data));
      expect(canonicalJson(read?.metadata)).toBe(canonicalJson(sent.metadata));
      const text = {
        ...{ id: sent.id, type: sent.type, stream: lane, revision: 0, position: read?.position },
        data: canonicalJson(sent.data),
        metadata: canonicalJson(sent.metadata),
      };
      const texts: unknown[] = [];
      for await (const batch of store.readTexts({ after })) texts.push(...batch);
      expect(texts).toContainEqual(text);
      const ending = new AbortController();
      for await (const batch of store.followTexts({ after, signal: ending.signal })) {
        expect(batch).toContainEqual(text);
        ending.abort();
      }
    });

    it('gives the same entries as leaves, in pages, behind a position', async () => {
      const after = await store.head();
      const odd = ['"', '\\', '/', '\u0007', '\t\u001f', '\u007f', 'é', '\u2028', '👩‍👧'].map((type) =>
        entry({ type: `ledger.${type}`, data: { الاسم: 'محمّد', text: '\u0000"' } }),
      );
      const stream = `${lane}-"ب"`;
      await store.append(stream, odd, 'no_stream');
      const texts = (await all(store.readTexts({ after }))).flat();
      const pages = await all(store.readLeaves({ after, batchSize: 4 }));
      expect(pages.map(({ lengths }) => lengths.length)).toEqual([4, 4, 1]);
      expect(pages.flatMap(({ positions }) => positions)).toEqual(texts.map(({ position }) => position));
      const leaves = texts.map((text) => Buffer.from(`\u0000${leafText(text)}`));
      expect(pages.flatMap(({ lengths }) => lengths)).toEqual(leaves.map(({ length }) => length));
      expect(Buffer.concat(pages.map(({ bytes }) => bytes)).toString()).toBe(Buffer.concat(leaves).toString());
      expect(await all(store.readLeaves({ after: texts[6]!.position }))).toMatchObject([
        { positions: texts.slice(7).map(({ position }) => position) },
      ]);
      expect(await all(store.readLeaves({ after: await store.head() }))).toEqual([]);
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

    it('appends anywhere with "any"', async () => {
      expect((await store.append(lane, entries(1), 'any')).revision).toBe(0);
      expect((await store.append(lane, entries(2), 'any')).revision).toBe(2);
    });

    it('takes the same id in another stream', async () => {
      const sent = entries(1);
      await store.append(lane, sent, 'no_stream');
      await store.append(`${lane}-b`, sent, 'no_stream');
      expect(await all(store.readStream(`${lane}-b`))).toHaveLength(1);
    });

    it('refuses what is no append at all', async () => {
      await expect(store.append(lane, [], 'any')).rejects.toBeInstanceOf(RangeError);
      await expect(store.append(lane, [entry({ id: 'x' })], 'any')).rejects.toBeInstanceOf(TypeError);
      await expect(store.append(lane, [entry({ type: '$metadata' })], 'any')).rejects.toBeInstanceOf(TypeError);
      await expect(store.append(lane, [entry({ data: { n: NaN } })], 'any')).rejects.toBeInstanceOf(TypeError);
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
      await expect(store.append(lane, [entry({ data: { letters } })], 'any')).rejects.toMatchObject({
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
      expect(await store.head()).toBe(c.position);
      expect(b.position).toBe(positions[3]);
    });

    it('comes in batches of the size that was asked for', async () => {
      const after = await store.head();
      await store.append(lane, entries(25), 'no_stream');
      const batches = await all(store.readAll({ after, batchSize: 10 }));
      expect(batches.map((batch) => batch.length)).toEqual([10, 10, 5]);
      expect(batches.flat().map(({ revision }) => revision)).toEqual(Array.from({ length: 25 }, (_, i) => i));
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

  it('does nothing more once it is closed', async () => {
    await store.append(lane, entries(1), 'no_stream');
    await store.close();
    await store.close();
    await expect(store.append(lane, entries(1), 0)).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(store.head()).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(stored()).rejects.toBeInstanceOf(StoreUnavailable);
  });
}
