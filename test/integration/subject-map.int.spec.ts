import Database from 'better-sqlite3';
import { join } from 'node:path';
import {
  appendBehind,
  ENTRY_FORMAT,
  laneEnd,
  LANES,
  leafText,
  ledgerEntry,
  openEmbeddedStore,
  withoutKey,
  type AuthenticStore,
  type EventStore,
  type KeylessStore,
  type NewEntry,
  type StoredEntry,
} from '@sijill/event-store';
import {
  announceFirstKey,
  checkRange,
  GrowingLog,
  lastAnnounced,
  logSigner,
  LogStore,
  MapKeeper,
  MapStore,
  SubjectProofs,
  verifyStore,
  type ProofScope,
  type StoreVerified,
} from '@sijill/notary';
import { createLogger, Metrics, newEntryId, systemClock, type SqlTarget } from '@sijill/platform';
import {
  ACCOUNTING_KINDS,
  entryKind,
  hashLeafText,
  LINKED,
  MAP_LANE,
  isRefusal,
  ProofInvalid,
  SEPARATED,
  SUBJECTS_MAPPED,
  verifyAccountingProof,
  type Accounting,
} from '@sijill/transparency';
import { disclosureEntry, SUBJECTS } from '../support/disclosure-entries.js';
import { authentic } from '../support/entry-keys.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { LOG_IDENTITY, testSigner } from '../support/log-identity.js';
import { freshDataDir } from '../support/sijill.js';

const signer = logSigner(LOG_IDENTITY.origin, [testSigner(1)]);
const trust = { log: signer.keys };
const [ALWAYS, NEVER] = [0, Number.MAX_SAFE_INTEGER];

/** A log over a store, with its map, that moves when it is told to. */
class Keeping {
  private constructor(
    /** As somebody without a key sees it, and writes to it. */
    readonly raw: KeylessStore,
    readonly store: AuthenticStore,
    readonly log: LogStore,
    readonly maps: MapStore,
    readonly keeper: MapKeeper,
  ) {}

  static async over(raw: KeylessStore, target: (name: string) => SqlTarget): Promise<Keeping> {
    const store = authentic(raw);
    const log = await LogStore.open(target('log'));
    const maps = await MapStore.open(target('map'));
    const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
    return new Keeping(raw, store, log, maps, new MapKeeper(store, log, maps, parts));
  }

  async append(lane: string, entries: readonly NewEntry[]): Promise<void> {
    // No more at once than a store takes.
    for (let at = 0; at < entries.length; at += 400)
      await appendBehind(this.store, lane, await laneEnd(this.store, lane), entries.slice(at, at + 400));
  }

  /** Signs all that the store has, then brings the map up and signs what the map is. */
  async settle(): Promise<void> {
    await this.sign();
    await this.keeper.finish();
    await this.sign();
  }

  async sign(): Promise<void> {
    await announceFirstKey(this.store, this.log, LOG_IDENTITY, systemClock);
    const growing = await GrowingLog.resume(this.log, systemClock);
    for await (const batch of this.store.readTexts({ after: growing.head.position })) growing.add(batch);
    if (growing.pending > 0) await growing.commit(signer);
  }

  /** The proof as text. */
  async prove(
    subject: string | readonly string[],
    { covering = ALWAYS, scope = 'complete' as ProofScope, patienceMs = 300 } = {},
  ): Promise<string | null> {
    const proofs = new SubjectProofs(this.store, this.log, this.maps, () => this.log.checkpoint());
    const made = await proofs.prove([subject].flat(), { covering, scope, patienceMs });
    return made && (await textOf(made));
  }

  async proven(subject: string | readonly string[], scope?: ProofScope): Promise<Accounting> {
    return verify((await this.prove(subject, scope === undefined ? {} : { scope }))!);
  }

  verify(): Promise<StoreVerified> {
    const { raw, log, maps } = this;
    const check: Parameters<typeof verifyStore>[2]['check'] = (range, size) => checkRange(raw, log, size, range);
    return verifyStore(raw, log, { trust, check, hands: 1, maps });
  }

  async close(): Promise<void> {
    await this.log.close();
    await this.maps.close();
  }
}

const OF_NOBODY: NewEntry = {
  id: '',
  type: 'sijill.entry.quarantined.v1',
  data: { occurredAt: '2026-07-01T00:00:00.000Z', nested: { subjectId: SUBJECTS[0]! } },
  metadata: { format: ENTRY_FORMAT, recordedAt: '2026-07-01T00:00:00.000Z', salt: 'x' },
};

async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

function verify(text: string): Accounting {
  return verifyAccountingProof(text.split('\n'), trust);
}

function suite(place: () => Promise<(name: string) => SqlTarget>): void {
  let raw: KeylessStore;
  let store: EventStore;
  let keeping: Keeping;
  let target: (name: string) => SqlTarget;
  let written: number;
  beforeEach(async () => {
    written = 0;
    raw = openEmbeddedStore({ file: join(freshDataDir('map-store'), 'ledger.sqlite') });
    target = await place();
    keeping = await Keeping.over(raw, target);
    store = keeping.store;
  });
  afterEach(async () => {
    await keeping.close();
    await store.close();
  });

  const write = async (count: number): Promise<void> => {
    const entries = Array.from({ length: count }, () => {
      const n = written++;
      return n % 10 === 9 ? { ...OF_NOBODY, id: newEntryId() } : disclosureEntry(`event-${n}`, { n });
    });
    await keeping.append('ledger-a', entries);
  };
  /** A subject's entries of the kinds that an accounting shows, as the store has them. */
  const entriesOf = async (
    subject: string,
    isOf = (type: string): boolean => ACCOUNTING_KINDS.includes(entryKind(type)),
  ): Promise<{ ids: string[]; positions: number[] }> => {
    const found: StoredEntry[] = [];
    for await (const batch of store.readAll())
      found.push(...batch.filter(({ type, data }) => data['subjectId'] === subject && isOf(type)));
    return { ids: found.map(({ id }) => id), positions: found.map(({ position }) => position) };
  };
  const idsOf = async (subject: string): Promise<string[]> => (await entriesOf(subject)).ids;
  const isDisclosure = (type: string): boolean => type === 'sijill.data.disclosed.v1';
  const idsIn = ({ entries }: Accounting): string[] =>
    entries.map(({ entry }) => (entry === 'withheld' ? 'withheld' : entry.id));

  it('proves all entries of each subject, as the log grows', async () => {
    // Tiles begun and filled, and steps of a thousand.
    for (const count of [1, 30, 226, 700, 1_300]) {
      await write(count);
      await keeping.settle();
      for (const subject of SUBJECTS) {
        const proven = await keeping.proven(subject);
        expect(idsIn(proven)).toEqual(await idsOf(subject));
        expect(proven.checkpoint.size).toBe(BigInt((await keeping.log.head()).size));
      }
    }
    const nobody = await keeping.proven('00000000-0000-4000-8000-000000000000');
    expect(nobody.entries).toEqual([]);
    expect(await keeping.verify()).toMatchObject({ findings: [], maps: 5 });
  }, 120_000);

  it('does not hold with a line left out, doubled, moved, or another in its place', async () => {
    await write(60);
    await keeping.settle();
    const proof = (await keeping.prove(SUBJECTS[0]!))!.split('\n');
    const other = (await keeping.prove(SUBJECTS[1]!))!.split('\n');
    expect(verify(proof.join('\n')).entries).toHaveLength(16);
    const end = proof.lastIndexOf('') - 1;
    for (let i = 0; i < end; i++)
      for (const changed of [
        proof.toSpliced(i, 1),
        proof.toSpliced(i, 0, proof[i]!),
        proof.with(i, other[i]!),
        proof.with(i, proof[i + 1]!).with(i + 1, proof[i]!),
      ]) {
        if (changed.join('\n') === proof.join('\n')) continue;
        let refusal: unknown;
        try {
          verify(changed.join('\n'));
        } catch (error) {
          refusal = error;
        }
        expect([i, isRefusal(refusal)]).toEqual([i, true]);
      }
    // An older map is no map of a longer list, and the other way round.
    await write(60);
    await keeping.settle();
    const later = (await keeping.prove(SUBJECTS[0]!))!;
    const headOf = (text: string): string => text.slice(0, text.indexOf('\nleaf'));
    for (const [head, rest] of [
      [proof.join('\n'), later],
      [later, proof.join('\n')],
    ] as const)
      expect(() => verify(headOf(head) + rest.slice(headOf(rest).length))).toThrow(ProofInvalid);
  });

  it('grows with what it shows, shows nothing else, and is made in pieces', async () => {
    const subject = SUBJECTS[0]!;
    const uses = Array.from({ length: 3_000 }, (_, n) => ({
      ...disclosureEntry(`use-${n}`, { n: 0 }),
      type: 'sijill.data.used.v1',
    }));
    for (let at = 0; at < 6; at++) {
      await keeping.append('ledger-b', uses.slice(at * 500, (at + 1) * 500));
      await keeping.append('ledger-a', [disclosureEntry(`disclosed-${at}`, { n: 0 })]);
    }
    await keeping.settle();
    const disclosed = await entriesOf(subject, isDisclosure);
    const whole = (await keeping.prove(subject))!;
    expect(idsIn(verify(whole))).toEqual(disclosed.ids);
    expect(whole).not.toContain('sijill.data.used');
    // Six leaves, the map's, and eleven hashes or fewer between two of them.
    expect(whole.split('\n').filter((line) => line.length === 44).length).toBeLessThan(8 * 12);
    const lines = await keeping.proven(subject, { only: disclosed.positions.slice(1, 3) });
    expect([idsIn(lines), lines.complete]).toEqual([disclosed.ids.slice(1, 3), null]);
    const [first] = (await entriesOf(SUBJECTS[1]!, isDisclosure)).positions as [number];
    for (const unknown of [[...disclosed.positions, NEVER], [first, ...disclosed.positions].sort((a, b) => a - b)])
      await expect(keeping.prove(subject, { scope: { only: unknown } })).rejects.toThrow('is not in the map');

    // Near to each other and far, more than one piece and one reading.
    await write(2_000);
    await keeping.settle();
    for (const each of SUBJECTS) {
      const { ids, positions } = await entriesOf(each, isDisclosure);
      expect(idsIn(await keeping.proven(each))).toEqual(ids);
      const third = (_: unknown, i: number): boolean => i % 3 === 0;
      expect(idsIn(await keeping.proven(each, { only: positions.filter(third) }))).toEqual(ids.filter(third));
    }
  }, 60_000);

  it('proves all who are linked as one person, and is not made of some of them', async () => {
    const [one, other, stranger] = SUBJECTS as [string, string, string];
    const decide = async (type: string, edge: string, ...subjects: string[]): Promise<void> =>
      keeping.append(
        LANES.vault,
        subjects.map((subjectId) => ledgerEntry(type, Date.now(), { subjectId, edges: [edge] })),
      );
    await write(30);
    await keeping.settle();
    // Who is linked is known to the vault before the entries are in the log.
    expect(await keeping.prove([one, other])).toBeNull();
    await decide(LINKED, 'e1', one, other);
    await keeping.settle();
    const proven = await keeping.proven([other, one]);
    expect(proven).toMatchObject({ subject: other, linked: [one] });
    expect(new Set(idsIn(proven))).toEqual(new Set([...(await idsOf(one)), ...(await idsOf(other))]));
    for (const some of [[one], [other], [one, stranger], [one, other, stranger]])
      expect(await keeping.prove(some)).toBeNull();
    const lines = await keeping.proven([one, other], { only: (await entriesOf(one)).positions.slice(0, 2) });
    expect(lines).toMatchObject({ subject: one, linked: [other], complete: null });
    expect(lines.entries).toHaveLength(4);

    await decide(SEPARATED, 'e1', one, other);
    await keeping.settle();
    expect((await keeping.proven(one)).linked).toEqual([]);
    expect(await keeping.prove([one, other])).toBeNull();
  });

  it('waits for the links that its map does not have yet', async () => {
    const [one, other] = SUBJECTS as [string, string];
    await write(10);
    await keeping.settle();
    const proofs = new SubjectProofs(store, keeping.log, keeping.maps, () => keeping.log.checkpoint());
    const asked = proofs.prove([one, other], { scope: 'complete', covering: ALWAYS, patienceMs: 20_000 });
    const links = [one, other].map((subjectId) => ledgerEntry(LINKED, Date.now(), { subjectId, edges: ['e1'] }));
    await keeping.append(LANES.vault, links);
    await keeping.settle();
    expect(verify(await textOf((await asked)!))).toMatchObject({ subject: one, linked: [other] });
  });

  it('goes on over what somebody without a key puts beside it, and believes none of it', async () => {
    await write(30);
    await keeping.settle();
    const before = await idsOf(SUBJECTS[0]!);
    const { revision, data, metadata } = (await lastAnnounced(store))!.entry;
    // A map of its own, a copy of ours, an entry about somebody, and a link.
    const forged = [
      [MAP_LANE, revision, { id: newEntryId(), type: SUBJECTS_MAPPED, data: { ...data, size: '30' }, metadata }],
      [MAP_LANE, revision + 1, { id: newEntryId(), type: SUBJECTS_MAPPED, data, metadata }],
      ['ledger-a', 29, disclosureEntry('forged', { n: 0 })],
      [LANES.vault, 'no_stream', ledgerEntry(LINKED, 0, { subjectId: SUBJECTS[0]!, edges: ['e1'] })],
    ] as const;
    for (const [lane, expected, entry] of forged) await raw.append(lane, [entry], expected);
    await write(30);
    await keeping.settle();
    expect(await idsOf(SUBJECTS[0]!)).toHaveLength(before.length + 8);
    const proven = await keeping.proven(SUBJECTS[0]!);
    expect(idsIn(proven)).toEqual(await idsOf(SUBJECTS[0]!));
    expect(proven.linked).toEqual([]);
    expect(await keeping.verify()).toMatchObject({ findings: [], maps: 2 });
  });

  it('is made when somebody asks for it, and covers what they asked for', async () => {
    await write(50);
    await keeping.settle();
    await write(50);
    const covering = await store.head();
    const stopping = new AbortController();
    const running = keeping.keeper.run(stopping.signal);
    const proofs = new SubjectProofs(store, keeping.log, keeping.maps, () => keeping.log.checkpoint());
    const asked = proofs.prove([SUBJECTS[0]!], { scope: 'complete', covering, patienceMs: 20_000 });
    for (let i = 0; i < 100 && (await keeping.maps.head()).position < covering; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      await keeping.sign();
    }
    const signing = setInterval(() => void keeping.sign(), 200);
    const made = (await asked)!;
    clearInterval(signing);
    stopping.abort();
    await running;
    const proof = verify(await textOf(made));
    expect(idsIn(proof)).toEqual(await idsOf(SUBJECTS[0]!));
    // Nobody keeps a map now: what there is is given.
    await write(10);
    await keeping.sign();
    expect(verify((await keeping.prove(SUBJECTS[0]!, { covering: NEVER }))!).entries).toHaveLength(
      proof.entries.length,
    );
  }, 30_000);

  it('says nothing new into the log while nothing concerns anybody', async () => {
    await write(20);
    await keeping.settle();
    const { size } = await keeping.log.head();
    await keeping.append('ledger-a', [{ ...OF_NOBODY, id: newEntryId() }]);
    await keeping.settle();
    await keeping.settle();
    expect((await keeping.log.head()).size).toBe(size + 1);
    expect((await keeping.maps.head()).size).toBe(size + 1);
    const without = await Keeping.over(openEmbeddedStore({ file: join(freshDataDir('empty'), 'l.sqlite') }), target);
    expect(await without.prove(SUBJECTS[0]!)).toBeNull();
    await without.store.close();
    await without.close();
  });

  it('is made anew when it is another log’s, and when it is damaged', async () => {
    await write(300);
    await keeping.settle();
    const other = authentic(openEmbeddedStore({ file: join(freshDataDir('map-other'), 'ledger.sqlite') }));
    await other.append('ledger-a', [disclosureEntry('elsewhere', { n: 0 })], 'no_stream');
    const elsewhere = freshDataDir('map-elsewhere');
    const [log, maps] = [await LogStore.open({ kind: 'sqlite', file: join(elsewhere, 'log') }), keeping.maps];
    const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
    const growing = await GrowingLog.resume(log, systemClock);
    for await (const batch of other.readTexts()) growing.add(batch);
    await growing.commit(signer);
    await new MapKeeper(other, log, maps, parts).finish();
    expect(await maps.head()).toMatchObject({ size: 1, chains: 1 });
    await log.close();
    await other.close();

    await keeping.settle();
    expect(await keeping.verify()).toMatchObject({ findings: [] });
    expect(idsIn(await keeping.proven(SUBJECTS[0]!))).toEqual(await idsOf(SUBJECTS[0]!));

    const head = await maps.head();
    await maps.commit({ from: head, to: head, tiles: new Map([['', new Uint8Array(5)]]), links: new Map() });
    await write(10);
    await keeping.settle(); // finds the damage
    await keeping.settle();
    expect(await keeping.verify()).toMatchObject({ findings: [] });
    expect(idsIn(await keeping.proven(SUBJECTS[0]!))).toEqual(await idsOf(SUBJECTS[0]!));
  });

  /** The store with another text in the 41st event; and a log that has the leaf of that one, but for its tiles. */
  const changed = (from: string, to: string): { lying: AuthenticStore; log: LogStore } => {
    const { events } = keeping.raw;
    const readAll = async function* (options?: Parameters<typeof events.readAll>[0]) {
      for await (const batch of events.readAll(options))
        yield batch.map((event) => {
          const [data, metadata] = [event.data.replace(from, to), event.metadata.replace(from, to)];
          return event.position === 41 ? { ...event, parsed: undefined as never, data, metadata } : event;
        });
    };
    const lyingEvents = Object.assign(Object.create(boundTo(events)) as typeof events, { readAll });
    const lying = authentic({ events: lyingEvents });
    const log = Object.assign(Object.create(keeping.log) as LogStore, {
      leafHashes: async (first: number, count: number) => {
        const hashes = Buffer.from(await keeping.log.leafHashes(first, count));
        for await (const [entry] of withoutKey(lying).readTexts({ from: 41, batchSize: 1 })) {
          if (first <= 40 && 40 < first + count) hashes.set(hashLeafText(leafText(entry!)), (40 - first) * 32);
          break;
        }
        return hashes;
      },
    });
    return { lying, log };
  };

  it('takes for an entry what was signed as one, though its code was damaged since; and nothing that was changed', async () => {
    await write(90);
    await keeping.sign();
    const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
    const before = await keeping.maps.head();
    const other = new MapKeeper(changed('"subjectId"', '"nobodysId"').lying, keeping.log, keeping.maps, parts);
    await other.finish();
    expect(other.detail).toBe('StoreChanged');
    expect(await keeping.maps.head()).toEqual(before);
    await new MapKeeper(changed('"mac":"', '"mac":"x').lying, keeping.log, keeping.maps, parts).finish();
    expect(await keeping.maps.head()).toMatchObject({ size: 91 });
    await keeping.sign();
    expect(await keeping.verify()).toMatchObject({ findings: [] });
    expect(idsIn(await keeping.proven(SUBJECTS[40 % 3]!))).toEqual(await idsOf(SUBJECTS[40 % 3]!));
  });

  it('is found out when its keeper has left an entry out, or filed it elsewhere', async () => {
    await write(90);
    await keeping.sign();
    const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
    // This keeper reads another entry than the store has, and takes it for what was signed.
    const { lying, log } = changed('"subjectId"', '"nobodysId"');
    await new MapKeeper(lying, log, keeping.maps, parts).finish();
    await keeping.sign();
    const { findings } = await keeping.verify();
    // Behind the entries stands the announcement of the log's first key. The link of the entry that comes next, the map in leaf 91, and the one beside the log.
    expect(findings.map(({ what }) => what)).toEqual(['map', 'map', 'map']);
    expect(findings.map(({ index }) => index)).toContain(91);
    // Whoever the entry concerns sees a list that holds, without it: that is what recomputing is for.
    expect(idsIn(await keeping.proven(SUBJECTS[40 % 3]!))).toHaveLength((await idsOf(SUBJECTS[40 % 3]!)).length - 1);
  });

  it('is found out when a map stands outside its lane, or goes back', async () => {
    await write(30);
    await keeping.settle();
    const { data, metadata } = (await lastAnnounced(store))!.entry;
    await keeping.append('ledger-b', [{ id: newEntryId(), type: SUBJECTS_MAPPED, data, metadata }]);
    await keeping.settle();
    expect((await keeping.verify()).findings).toMatchObject([{ what: 'map', index: 32 }]);
    await keeping.append(MAP_LANE, [{ id: newEntryId(), type: SUBJECTS_MAPPED, data, metadata }]);
    await keeping.settle();
    expect((await keeping.verify()).findings).toMatchObject([{ index: 32 }, { what: 'map', index: 33 }]);
  });
}

describe('the map of subjects in SQLite', () => {
  suite(async () => {
    const folder = freshDataDir('map');
    return (name) => ({ kind: 'sqlite', file: join(folder, `${name}.sqlite`) });
  });

  it('is found out when a tile or a link of it was changed', async () => {
    const folder = freshDataDir('map-changed');
    const store = openEmbeddedStore({ file: join(folder, 'ledger.sqlite') });
    const keeping = await Keeping.over(store, (name) => ({ kind: 'sqlite', file: join(folder, `${name}.sqlite`) }));
    for (let n = 0; n < 600; n += 100)
      await keeping.append(
        'ledger-a',
        Array.from({ length: 100 }, (_, i) => disclosureEntry(`event-${n + i}`, { n: n + i })),
      );
    await keeping.settle();
    const database = new Database(join(folder, 'map.sqlite'));
    for (const [table, column] of [
      ['map_tile', 'tile'],
      ['map_link', 'links'],
    ] as const) {
      const was = database.prepare(`select rowid, ${column} as bytes from ${table}`).all() as {
        rowid: number;
        bytes: Buffer;
      }[];
      for (const { rowid, bytes } of was) {
        const put = database.prepare(`update ${table} set ${column} = ? where rowid = ?`);
        for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
          put.run(
            bytes.map((byte, i) => (i === at ? byte ^ 4 : byte)),
            rowid,
          );
          expect((await keeping.verify()).findings).toMatchObject([{ what: 'map' }]);
        }
        put.run(bytes, rowid);
      }
    }
    expect(await keeping.verify()).toMatchObject({ findings: [] });
    database.close();
    await keeping.close();
    await store.close();
  }, 60_000);
});

describeWithPostgres('the map of subjects in PostgreSQL', (postgres) => {
  suite(async () => {
    const url = await postgres.freshDatabase('sijill');
    return () => ({ kind: 'postgresql', url });
  });
});

/** An object's own methods, bound: what is left out of a copy is that of the original. */
function boundTo<T extends object>(of: T): T {
  return new Proxy(of, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member;
    },
  });
}
