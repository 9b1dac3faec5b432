import Database from 'better-sqlite3';
import { join } from 'node:path';
import { openEmbeddedStore, type EventStore, type NewEntry } from '@sijill/event-store';
import {
  checkRange,
  GrowingLog,
  lastAnnounced,
  logSigner,
  LogStore,
  MapKeeper,
  MapStore,
  SubjectProofs,
  verifyStore,
  type StoreVerified,
} from '@sijill/notary';
import { createLogger, Metrics, newEntryId, systemClock, type SqlTarget } from '@sijill/platform';
import {
  formatAccountingProof,
  hashLeafText,
  MAP_LANE,
  parseAccountingProof,
  ProofInvalid,
  SUBJECTS_MAPPED,
  verifyAccountingProof,
  type Accounting,
  type AccountingProof,
} from '@sijill/transparency';
import { disclosureEntry, SUBJECTS } from '../support/disclosure-entries.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { freshDataDir } from '../support/sijill.js';

const signer = logSigner('log.example/ledger', [new Uint8Array(32).fill(7)]);
const trust = { log: signer.keys };
const [ALWAYS, NEVER] = [0, Number.MAX_SAFE_INTEGER];

/** A log over a store, with its map, that moves when it is told to. */
class Keeping {
  private constructor(
    readonly store: EventStore,
    readonly log: LogStore,
    readonly maps: MapStore,
    readonly keeper: MapKeeper,
  ) {}

  static async over(store: EventStore, target: (name: string) => SqlTarget): Promise<Keeping> {
    const log = await LogStore.open(target('log'));
    const maps = await MapStore.open(target('map'));
    const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
    return new Keeping(store, log, maps, new MapKeeper(store, log, maps, parts));
  }

  /** Signs all that the store has, then brings the map up and signs what the map is. */
  async settle(): Promise<void> {
    await this.sign();
    await this.keeper.finish();
    await this.sign();
  }

  async sign(): Promise<void> {
    const growing = await GrowingLog.resume(this.log, systemClock);
    for await (const batch of this.store.readTexts({ after: growing.head.position })) growing.add(batch);
    if (growing.pending > 0) await growing.commit(signer);
  }

  async prove(subject: string, covering = ALWAYS): Promise<AccountingProof | null> {
    return new SubjectProofs(this.store, this.log, this.maps, () => this.log.checkpoint()).prove(subject, {
      covering,
      patienceMs: 300,
    });
  }

  async proven(subject: string): Promise<Accounting> {
    return verifyAccountingProof(formatAccountingProof((await this.prove(subject))!), trust);
  }

  verify(): Promise<StoreVerified> {
    const { store, log, maps } = this;
    const check: Parameters<typeof verifyStore>[2]['check'] = (range, size) => checkRange(store, log, size, range);
    return verifyStore(store, log, { trust, check, hands: 1, maps });
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
  metadata: { recordedAt: '2026-07-01T00:00:00.000Z', salt: 'x' },
};

function suite(place: () => Promise<(name: string) => SqlTarget>): void {
  let store: EventStore;
  let keeping: Keeping;
  let target: (name: string) => SqlTarget;
  let written: number;
  beforeEach(async () => {
    written = 0;
    store = openEmbeddedStore({ file: join(freshDataDir('map-store'), 'ledger.sqlite') });
    target = await place();
    keeping = await Keeping.over(store, target);
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
    await store.append('ledger-a', entries, 'any');
  };
  /** The ids of a subject's entries, as the store has them. */
  const idsOf = async (subject: string): Promise<string[]> => {
    const ids: string[] = [];
    for await (const batch of store.readAll())
      for (const { id, data } of batch) if (data['subjectId'] === subject) ids.push(id);
    return ids;
  };
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
  }, 60_000);

  it('does not hold with one entry left out, another in its place, or two exchanged', async () => {
    await write(60);
    await keeping.settle();
    const proof = (await keeping.prove(SUBJECTS[0]!))!;
    const other = (await keeping.prove(SUBJECTS[1]!))!;
    const verify = (entries: AccountingProof['entries']): Accounting =>
      verifyAccountingProof(formatAccountingProof({ ...proof, entries }), trust);
    expect(verify(proof.entries).entries).toHaveLength(proof.entries.length);
    for (const [i, entry] of proof.entries.entries()) {
      expect(() => verify(proof.entries.toSpliced(i, 1))).toThrow(ProofInvalid);
      expect(() => verify(proof.entries.with(i, other.entries[i]!))).toThrow(ProofInvalid);
      expect(() => verify(proof.entries.toSpliced(i, 0, entry))).toThrow(ProofInvalid);
    }
    expect(() => verify(proof.entries.toReversed())).toThrow(ProofInvalid);
    expect(() => verify([])).toThrow(ProofInvalid);
    expect(() => verifyAccountingProof(formatAccountingProof({ ...other, subject: SUBJECTS[0]! }), trust)).toThrow(
      ProofInvalid,
    );
    // An older map is no map of a longer list, and the other way round.
    await write(60);
    await keeping.settle();
    const later = (await keeping.prove(SUBJECTS[0]!))!;
    for (const [mixed, entries] of [
      [proof, later.entries],
      [later, proof.entries],
    ] as const)
      expect(() => verifyAccountingProof(formatAccountingProof({ ...mixed, entries }), trust)).toThrow(ProofInvalid);
  });

  it('may show an entry by its hash alone', async () => {
    await write(40);
    await keeping.settle();
    const proof = (await keeping.prove(SUBJECTS[2]!))!;
    const [first, ...rest] = proof.entries;
    const { leaf, ...placed } = first as { leaf: string } & typeof first & object;
    const withheld = { ...placed, hash: hashLeafText(leaf) } as (typeof proof.entries)[number];
    const text = formatAccountingProof({ ...proof, entries: [withheld, ...rest] });
    expect(formatAccountingProof(parseAccountingProof(text))).toBe(text);
    expect(verifyAccountingProof(text, trust).entries[0]!.entry).toBe('withheld');
  });

  it('is made when somebody asks for it, and covers what they asked for', async () => {
    await write(50);
    await keeping.settle();
    await write(50);
    const covering = await store.head();
    const stopping = new AbortController();
    const running = keeping.keeper.run(stopping.signal);
    const proofs = new SubjectProofs(store, keeping.log, keeping.maps, () => keeping.log.checkpoint());
    const asked = proofs.prove(SUBJECTS[0]!, { covering, patienceMs: 20_000 });
    for (let i = 0; i < 100 && (await keeping.maps.head()).position < covering; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      await keeping.sign();
    }
    const signing = setInterval(() => void keeping.sign(), 200);
    const proof = verifyAccountingProof(formatAccountingProof((await asked)!), trust);
    clearInterval(signing);
    stopping.abort();
    await running;
    expect(idsIn(proof)).toEqual(await idsOf(SUBJECTS[0]!));
    // Nobody keeps a map now: what there is is given.
    await write(10);
    await keeping.sign();
    expect((await keeping.prove(SUBJECTS[0]!, NEVER))!.entries).toHaveLength(proof.entries.length);
  }, 30_000);

  it('says nothing new into the log while nothing concerns anybody', async () => {
    await write(20);
    await keeping.settle();
    const { size } = await keeping.log.head();
    await store.append('ledger-a', [{ ...OF_NOBODY, id: newEntryId() }], 'any');
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
    const other = openEmbeddedStore({ file: join(freshDataDir('map-other'), 'ledger.sqlite') });
    await other.append('ledger-a', [disclosureEntry('elsewhere', { n: 0 })], 'any');
    const elsewhere = freshDataDir('map-elsewhere');
    const [log, maps] = [await LogStore.open({ kind: 'sqlite', file: join(elsewhere, 'log') }), keeping.maps];
    const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
    const growing = await GrowingLog.resume(log, systemClock);
    for await (const batch of other.readTexts()) growing.add(batch);
    await growing.commit(signer);
    await new MapKeeper(other, log, maps, parts).finish();
    expect(await maps.head()).toMatchObject({ size: 1, subjects: 1 });
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

  it('is found out when its keeper has left an entry out, or filed it elsewhere', async () => {
    await write(90);
    // This keeper reads another entry than the store has, and keeps its map by that.
    const hides = (from: string, to: string): EventStore =>
      new Proxy(store, {
        get: (target, name: keyof EventStore) => {
          if (name !== 'readTexts') return (target[name] as () => unknown).bind?.(target) ?? target[name];
          return async function* (options: object) {
            for await (const batch of target.readTexts(options))
              yield batch.map((entry) =>
                entry.position === 41 ? { ...entry, data: entry.data.replace(from, to) } : entry,
              );
          };
        },
      });
    await keeping.sign();
    const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
    const lying = hides('"subjectId"', '"nobodysId"');
    await new MapKeeper(lying, keeping.log, keeping.maps, parts).finish();
    await keeping.sign();
    const { findings } = await keeping.verify();
    // The link of the entry that comes next, the map in leaf 90, and the one beside the log.
    expect(findings.map(({ what }) => what)).toEqual(['map', 'map', 'map']);
    expect(findings.map(({ index }) => index)).toContain(90);
    // Whoever the entry concerns sees a list that holds, without it: that is what recomputing is for.
    expect(idsIn(await keeping.proven(SUBJECTS[40 % 3]!))).toHaveLength((await idsOf(SUBJECTS[40 % 3]!)).length - 1);
  });

  it('is found out when a map stands outside its lane, or goes back', async () => {
    await write(30);
    await keeping.settle();
    const { data, metadata } = (await lastAnnounced(store))!.entry;
    await store.append('ledger-b', [{ id: newEntryId(), type: SUBJECTS_MAPPED, data, metadata }], 'any');
    await keeping.settle();
    expect((await keeping.verify()).findings).toMatchObject([{ what: 'map', index: 31 }]);
    await store.append(MAP_LANE, [{ id: newEntryId(), type: SUBJECTS_MAPPED, data, metadata }], 'any');
    await keeping.settle();
    expect((await keeping.verify()).findings).toMatchObject([{ index: 31 }, { what: 'map', index: 32 }]);
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
      await store.append(
        'ledger-a',
        Array.from({ length: 100 }, (_, i) => disclosureEntry(`event-${n + i}`, { n: n + i })),
        'any',
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
