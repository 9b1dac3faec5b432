import Database from 'better-sqlite3';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedStore, openWriting, type EntryAuthenticator } from '@sijill/event-store';
import {
  announceFirstKey,
  checkRange,
  GrowingLog,
  logSigner,
  LogStore,
  MapKeeper,
  MapStore,
  verifyStore,
  type Reached,
  type StoreVerified,
} from '@sijill/notary';
import { createLogger, Metrics, systemClock } from '@sijill/platform';
import { disclosureEntry } from '../support/disclosure-entries.js';
import { AUTHENTICATOR, appendTo, authentic, intrude } from '../support/entry-keys.js';
import { FULL_RUN } from '../support/full-run.js';
import { seeded } from '../support/seeded.js';
import { LOG_IDENTITY, testSigner } from '../support/log-identity.js';
import { freshDataDir } from '../support/sijill.js';

const COPIES = Number(process.env['SIJILL_TEST_COPIES'] ?? (FULL_RUN ? 10_000 : 240));
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/**
 * Of each hundred ninety-eight are about somebody, one somebody else has put there, and the last says what the map of subjects is. In
 * place of the very first stands which key the log begins with.
 */
const ENTRIES = 600;
const signer = logSigner(LOG_IDENTITY.origin, [testSigner(1)]);

interface Files {
  readonly ledger: string;
  readonly log: string;
  readonly maps: string;
}

interface Copy {
  readonly ledger: Database.Database;
  readonly log: Database.Database;
  readonly maps: Database.Database;
}

type Random = () => number;
const below = (random: Random, end: number): number => Math.floor(random() * end);
/** A position, not that of the last entry; entries are numbered from 1 here. */
const somewhere = (random: Random): number => 1 + below(random, ENTRIES - 1);

function flipInText(text: string, random: Random): string {
  const bytes = Buffer.from(text);
  bytes[below(random, bytes.length)]! ^= 1 << below(random, 7);
  return bytes.toString('latin1');
}

function flipInBytes(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  changed[below(random, changed.length)]! ^= 1 << below(random, 8);
  return changed;
}

function change(column: 'data' | 'metadata' | 'id'): (copy: Copy, random: Random) => number {
  return ({ ledger }, random) => {
    const position = somewhere(random);
    const text = ledger.prepare(`select ${column} from entry where position = ?`).pluck().get(position) as string;
    ledger.prepare(`update entry set ${column} = ? where position = ?`).run(flipInText(text, random), position);
    return position - 1;
  };
}

function exchange(ledger: Database.Database, one: number, other: number): void {
  // The content of two entries, each whole, at the other's place.
  const read = ledger.prepare('select id, type, data, metadata from entry where position = ?');
  const write = ledger.prepare(
    'update entry set id = @id, type = @type, data = @data, metadata = @metadata where position = @at',
  );
  const [first, second] = [read.get(one) as object, read.get(other) as object];
  write.run({ ...first, at: other });
  write.run({ ...second, at: one });
}

/** Each does one kind of damage, and says the first leaf that is not what it was; null where it cannot be said which. */
const DAMAGES: Record<string, (copy: Copy, random: Random) => number | null> = {
  'a bit of the data': change('data'),
  'a bit of the metadata': change('metadata'),
  'a bit of the id': change('id'),
  'the order of two entries': ({ ledger }, random) => {
    const [one, other] = [somewhere(random), somewhere(random)];
    if (one === other) return change('data')({ ledger } as Copy, random);
    exchange(ledger, one, other);
    return Math.min(one, other) - 1;
  },
  'an entry left out': ({ ledger }, random) => {
    const position = somewhere(random);
    ledger.prepare('delete from entry where position = ?').run(position);
    return position - 1;
  },
  'an entry twice': ({ ledger }, random) => {
    const position = somewhere(random);
    // Everything behind it moves on, and it stands there again.
    const far = 10 * ENTRIES;
    const move = 'update entry set position = position + ?, revision = revision + ? where position > ?';
    ledger.prepare(move).run(far, far, position);
    ledger
      .prepare(
        'insert into entry select position + 1, stream_id, revision + 1, id, type, data, metadata from entry where position = ?',
      )
      .run(position);
    ledger.prepare(move).run(1 - far, 1 - far, far);
    return position;
  },
  'the end cut off': ({ ledger }, random) => {
    const position = somewhere(random);
    ledger.prepare('delete from entry where position >= ?').run(position);
    return position - 1;
  },
  'a bit of a tile': ({ log }, random) => {
    const rows = log.prepare('select level, tile, hashes from log_tile').all() as {
      level: number;
      tile: number;
      hashes: Buffer;
    }[];
    const { level, tile, hashes } = rows[below(random, rows.length)]!;
    log
      .prepare('update log_tile set hashes = ? where level = ? and tile = ?')
      .run(flipInBytes(hashes, random), level, tile);
    return null;
  },
  'a bit of a position': ({ log }, random) => {
    const tile = below(random, 3);
    const positions = log
      .prepare('select positions from log_tile where level = 0 and tile = ?')
      .pluck()
      .get(tile) as Buffer;
    log
      .prepare('update log_tile set positions = ? where level = 0 and tile = ?')
      .run(flipInBytes(positions, random), tile);
    return null;
  },
  'a bit of a checkpoint': ({ log }, random) => {
    const rows = log.prepare('select size, note from log_checkpoint').all() as { size: number; note: string }[];
    const { size, note } = rows[below(random, rows.length)]!;
    log.prepare('update log_checkpoint set note = ? where size = ?').run(flipInText(note, random), size);
    return null;
  },
  'a bit of the map of subjects': ({ maps }, random) => {
    const rows = maps.prepare('select prefix, tile from map_tile').all() as { prefix: string; tile: Buffer }[];
    const { prefix, tile } = rows[below(random, rows.length)]!;
    maps.prepare('update map_tile set tile = ? where prefix = ?').run(flipInBytes(tile, random), prefix);
    return null;
  },
  'a bit of a link in the map': ({ maps }, random) => {
    const rows = maps.prepare('select tile, links from map_link').all() as { tile: number; links: Buffer }[];
    const { tile, links } = rows[below(random, rows.length)]!;
    maps.prepare('update map_link set links = ? where tile = ?').run(flipInBytes(links, random), tile);
    return null;
  },
  'the size of the log': ({ log }, random) => {
    log.prepare('update log_head set size = ?').run(below(random, ENTRIES));
    return null;
  },
  'a checkpoint’s root': ({ log }, random) => {
    const rows = log.prepare('select size, root from log_checkpoint').all() as { size: number; root: Buffer }[];
    const { size, root } = rows[below(random, rows.length)]!;
    log.prepare('update log_checkpoint set root = ? where size = ?').run(flipInBytes(root, random), size);
    return null;
  },
};

describe('a ledger that somebody has changed', () => {
  const folder = freshDataDir('tampering');
  const files = (name: string): Files => {
    mkdirSync(join(folder, name), { recursive: true });
    const file = (of: string): string => join(folder, name, `${of}.sqlite`);
    return { ledger: file('ledger'), log: file('log'), maps: file('maps') };
  };
  const clean = files('clean');
  const half = files('half');

  beforeAll(async () => {
    const keyless = openEmbeddedStore({ file: clean.ledger });
    const store = authentic(keyless);
    const log = await LogStore.open({ kind: 'sqlite', file: clean.log });
    const maps = await MapStore.open({ kind: 'sqlite', file: clean.maps });
    const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
    const keeper = new MapKeeper(store, log, maps, parts);
    const grow = async (signs: typeof signer | null): Promise<void> => {
      const growing = await GrowingLog.resume(log, systemClock);
      for await (const batch of store.readTexts({ after: growing.head.position })) growing.add(batch);
      await growing.commit(signs);
    };
    await announceFirstKey(store, log, LOG_IDENTITY, systemClock);
    for (let written = 0; written < ENTRIES; written += 100) {
      const entries = Array.from({ length: written === 0 ? 97 : 98 }, (_, i) =>
        disclosureEntry(`event-${written + i}`, { n: written + i }),
      );
      await appendTo(store, 'ledger-a', entries);
      // Each a copy of the first entry.
      for await (const first of keyless.events.readStream('ledger-a', { limit: 1 }))
        await intrude(keyless, 'ledger-a', first);
      await grow(null);
      await keeper.finish();
      await grow(signer);
      if (written === 200) {
        copyWhole(clean.ledger, half.ledger);
        copyWhole(clean.log, half.log);
        copyWhole(clean.maps, half.maps);
      }
    }
    for (const part of [store, log, maps]) await part.close();
    for (const file of Object.values(clean)) copyWhole(file, file);
  });

  /** A copy of a database file with all that is in its log. */
  function copyWhole(from: string, to: string): void {
    const database = new Database(from);
    database.pragma('wal_checkpoint(truncate)');
    database.close();
    if (from !== to) copyFileSync(from, to);
  }

  async function verified(
    of: Files,
    kept: readonly string[] = [],
    authenticator?: EntryAuthenticator,
    options: Pick<Parameters<typeof verifyStore>[2], 'note' | 'onProgress'> = {},
  ): Promise<StoreVerified> {
    const store = openEmbeddedStore({ file: of.ledger });
    const log = await LogStore.open({ kind: 'sqlite', file: of.log });
    const maps = await MapStore.open({ kind: 'sqlite', file: of.maps });
    try {
      const check: Parameters<typeof verifyStore>[2]['check'] = (range, size) =>
        checkRange(store, log, size, range, authenticator);
      return await verifyStore(store, log, {
        ...{ trust: { log: signer.keys }, check, hands: 1, kept, maps },
        ...options,
      });
    } finally {
      for (const part of [store, log, maps]) await part.close();
    }
  }

  function damaged(name: string, damage: (copy: Copy) => number | null): { of: Files; first: number | null } {
    const of = files(name);
    for (const part of ['ledger', 'log', 'maps'] as const) copyFileSync(clean[part], of[part]);
    const ledger = openWriting(of.ledger);
    const triggers = ledger.prepare("select name from sqlite_schema where type = 'trigger'").pluck().all() as string[];
    for (const trigger of triggers) ledger.exec(`drop trigger ${trigger}`);
    const [log, maps] = [new Database(of.log), new Database(of.maps)];
    const first = damage({ ledger, log, maps });
    for (const database of [ledger, log, maps]) database.close();
    return { of, first };
  }

  it('gives no alarm when nobody has', async () => {
    expect(await verified(clean)).toMatchObject({
      findings: [],
      leaves: ENTRIES,
      checkpoints: 6,
      maps: 6,
      foreign: { events: 6, first: { index: 98, lane: 'ledger-a', revision: 97 } },
      unsigned: 0,
    });
    // Only opened, and its triggers gone: its content is what it was.
    expect(await verified(damaged('untouched', () => null).of)).toMatchObject({ findings: [] });
  });

  it(
    `is found out in each of ${COPIES} copies, and the first leaf that is wrong is named (seed ${SEED})`,
    async () => {
      const random = seeded(SEED);
      const kinds = Object.entries(DAMAGES);
      const missed: string[] = [];
      for (let copy = 0; copy < COPIES; copy++) {
        const [kind, damage] = kinds[copy % kinds.length]!;
        const { of, first } = damaged('copy', (files) => damage(files, random));
        const [finding] = (await verified(of, [], AUTHENTICATOR)).findings;
        if (finding === undefined || (first !== null && finding.index !== first))
          missed.push(`copy ${copy}: ${kind} at ${first}, found ${JSON.stringify(finding)}`);
        rmSync(join(folder, 'copy'), { recursive: true });
      }
      expect(missed).toEqual([]);
    },
    COPIES * 1_000 + 60_000,
  );

  it('is gone on with from where a run was cut short, and no further than what was behind it is covered', async () => {
    const reached: Reached[] = [];
    const whole = await verified(clean, [], undefined, { onProgress: (_, __, how) => reached.push(how) });
    expect([whole.from, reached.at(-1)]).toEqual([0, expect.objectContaining({ tile: 2, size: ENTRIES })]);
    // As it is after it was kept as JSON.
    const note = JSON.parse(JSON.stringify(reached.at(-1))) as Reached;
    expect(await verified(clean, [], undefined, { note })).toMatchObject({ findings: [], from: 512, leaves: 88 });

    const another = (position: number) =>
      damaged(`behind-${position}`, ({ ledger }) => {
        ledger.exec(`update entry set type = 'another' where position = ${position}`);
        return null;
      }).of;
    // What somebody else has put there, which concerns nobody and is in no map.
    const first = another(99);
    expect((await verified(first)).findings).toMatchObject([{ index: 98 }]);
    expect(await verified(first, [], undefined, { note })).toMatchObject({ from: 512, findings: [] });
    expect(await verified(another(520), [], undefined, { note })).toMatchObject({
      from: 512,
      findings: [{ index: 519 }],
    });
    const nearer = { ...note, tile: 1 };
    expect(await verified(another(300), [], undefined, { note: nearer })).toMatchObject({ findings: [{ index: 299 }] });
    for (const wrong of [
      ...[null, 7, 'x', [], {}, { tile: 1000 }, { ...note, tile: 3 }, { ...note, tile: 1000 }, { ...note, tile: -1 }],
      ...[
        { ...note, tile: 0.5 },
        { ...note, size: 10 * ENTRIES },
        { ...note, size: ENTRIES - 1 },
        { ...note, size: '7' },
      ],
      ...[
        { ...note, root: note.root.replace(/^./, (one) => (one === '0' ? '1' : '0')) },
        { ...note, root: undefined },
      ],
      ...[
        { ...note, keys: [] },
        { ...note, keys: 'x' },
        { ...note, keys: ['another+00000000+AAAA'] },
      ],
    ]) {
      const { from, findings } = await verified(first, [], undefined, { note: wrong });
      expect([wrong, from, findings[0]?.index]).toEqual([wrong, 0, 98]);
    }
  });

  it('is not gone on with behind what was found wrong', async () => {
    const { of } = damaged('found', ({ ledger }) => (ledger.exec('delete from entry where position = 3'), null));
    const reached: Reached[] = [];
    await verified(of, [], undefined, { onProgress: (_, __, how) => reached.push(how) });
    expect(reached.filter(({ tile }) => tile > 0)).toEqual([]);
  });

  it('finds sealed parts changed, and authenticators taken away; with the key also those that were changed', async () => {
    const withMetadata =
      (change: (metadata: string) => string) =>
      ({ ledger }: Copy): null => {
        const at = 'where position = 298';
        const metadata = ledger.prepare(`select metadata from entry ${at}`).pluck().get() as string;
        expect(change(metadata)).not.toBe(metadata);
        ledger.prepare(`update entry set metadata = ? ${at}`).run(change(metadata));
        return null;
      };
    const cases: [change: (metadata: string) => string, without: string | null, withKey: string][] = [
      [(metadata) => metadata.replace(/.("\}\}\})$/, '=$1'), 'sealed parts', 'sealed parts'],
      [(metadata) => metadata.replace('"sealed":{"', '"sealed":{"x'), 'sealed parts', 'sealed parts'],
      [(metadata) => metadata.replace(/,"sealed":.*$/, '}}'), 'sealed parts', 'sealed parts'],
      [(metadata) => metadata.replace(/"sealed":.*$/, '"sealed":{}}}'), 'sealed parts', 'sealed parts'],
      [(metadata) => metadata.replace(/("sealed":\{.*)\}\}\}$/, '$1,"x":"y"}}}'), 'sealed parts', 'sealed parts'],
      [(metadata) => metadata.replace(/"sealed":.*$/, '"sealed":{no JSON}}}'), 'sealed parts', 'sealed parts'],
      [(metadata) => metadata.replace(/"by".*"sealed"/, '"sealed"'), 'no authenticator', 'no authenticator'],
      [(metadata) => metadata.replace(/"mac":"./, '"mac":"'), 'no authenticator', 'no authenticator'],
      [(metadata) => metadata.replace(/,"~":.*$/, '}'), 'no authenticator', 'no authenticator'],
      [(metadata) => metadata.replace(/"mac":"[^"]*/, `"mac":"${'A'.repeat(43)}`), null, 'does not hold'],
      [(metadata) => metadata.replace('"by":"a1"', '"by":"a2"'), null, 'under the key a2, which this keyring lacks'],
    ];
    for (const [i, [change, without, withKey]] of cases.entries()) {
      const { of } = damaged(`beside-${i}`, withMetadata(change));
      const found = (says: string) => ({ what: 'entry', index: 297, detail: expect.stringContaining(says) });
      expect((await verified(of)).findings[0]).toEqual(without === null ? undefined : found(without));
      expect((await verified(of, [], AUTHENTICATOR)).findings[0]).toEqual(found(withKey));
    }
  });

  it('names the entry, or the tile of the log where that was changed and the one above it speaks for the store', async () => {
    const hashes = (log: Database.Database, level: number, tile: number, change: (bytes: Buffer) => Buffer): null => {
      const where = 'where level = ? and tile = ?';
      const kept = log.prepare(`select hashes from log_tile ${where}`).pluck().get(level, tile) as Buffer;
      log.prepare(`update log_tile set hashes = ? ${where}`).run(change(kept), level, tile);
      return null;
    };
    const flip = (at: number) => (bytes: Buffer) => (bytes.writeUInt8(bytes[at]! ^ 1, at), bytes);
    const cases: [damage: (copy: Copy) => null, finding: StoreVerified['findings'][number]][] = [
      [
        ({ ledger }) => (ledger.exec("update entry set type = 'another' where position = 299"), null),
        { what: 'entry', index: 298, detail: expect.stringContaining('(ledger-a@295) is not what was signed as') },
      ],
      [
        ({ ledger }) => (ledger.exec('delete from entry where position > 270'), null),
        { what: 'entry', index: 270, detail: `the store ends here, and ${ENTRIES} entries were signed` },
      ],
      [({ log }) => hashes(log, 0, 1, flip(32 * 5)), { what: 'tile', index: 261, detail: 'tile 0/1 was changed' }],
      [
        ({ log }) => hashes(log, 1, 0, flip(32)),
        { what: 'tile', index: 256, detail: 'tile 0/1 or the tile above it was changed' },
      ],
      [
        ({ log }) => hashes(log, 0, 1, (bytes) => bytes.subarray(0, 32 * 255)),
        { what: 'tile', index: 256, detail: 'tile 0/1 is not there, or cut' },
      ],
      [
        ({ log }) => (log.exec('delete from log_tile where level = 0 and tile = 2'), null),
        { what: 'tile', index: 512, detail: 'tile 0/2 is not there, or cut' },
      ],
    ];
    for (const [i, [damage, finding]] of cases.entries())
      expect((await verified(damaged(`named-${i}`, damage).of)).findings[0]).toEqual(finding);
  });

  it('gives no alarm either while the log grows', async () => {
    const of = files('growing');
    const keyless = openEmbeddedStore({ file: of.ledger });
    const store = authentic(keyless);
    const log = await LogStore.open({ kind: 'sqlite', file: of.log });
    await announceFirstKey(store, log, LOG_IDENTITY, systemClock);
    const growing = await GrowingLog.resume(log, systemClock);
    let written = 0;
    const grow = async (): Promise<void> => {
      const entries = Array.from({ length: 90 }, (_, i) => disclosureEntry(`event-${written + i}`, { n: written + i }));
      await appendTo(store, 'ledger-a', entries);
      written += entries.length;
      for await (const batch of store.readTexts({ after: growing.head.position })) growing.add(batch);
      await growing.commit(signer);
    };
    for (let i = 0; i < 8; i++) await grow();
    // Between any two steps of the comparison it grows again.
    const steps = new Proxy(log, {
      get: (target, name: keyof LogStore) => {
        const member = target[name] as unknown;
        if (typeof member !== 'function' || name === 'checkpoints')
          return typeof member === 'function' ? member.bind(target) : member;
        return async (...given: unknown[]): Promise<unknown> => {
          const answer: unknown = await member.apply(target, given);
          if (written < 4_000) await grow();
          return answer;
        };
      },
    });
    const verified = await verifyStore(keyless, steps, {
      trust: { log: signer.keys },
      check: (range, size) => checkRange(keyless, steps, size, range),
      hands: 1,
    });
    expect(written).toBeGreaterThan(1_000);
    expect(verified).toMatchObject({ findings: [], leaves: 811, checkpoints: 8 });
    await store.close();
    await log.close();
  });

  it('is found out when an older copy of the store was put back, and of the log too by whoever kept a checkpoint', async () => {
    const mixed = files('mixed');
    copyFileSync(half.ledger, mixed.ledger);
    copyFileSync(clean.log, mixed.log);
    copyFileSync(clean.maps, mixed.maps);
    expect((await verified(mixed)).findings[0]).toMatchObject({ what: 'entry', index: 300 });
    expect((await verified(half)).findings).toEqual([]);
    const log = await LogStore.open({ kind: 'sqlite', file: clean.log });
    const { note } = (await log.checkpoint())!;
    await log.close();
    expect((await verified(half, [note])).findings[0]).toMatchObject({ what: 'checkpoint', index: ENTRIES });
  });

  it('is found out when its end was made anew, by whoever kept a checkpoint', async () => {
    const fork = files('fork');
    copyFileSync(half.ledger, fork.ledger);
    copyFileSync(half.log, fork.log);
    copyFileSync(half.maps, fork.maps);
    const store = authentic(openEmbeddedStore({ file: fork.ledger }));
    const log = await LogStore.open({ kind: 'sqlite', file: fork.log });
    const entries = Array.from({ length: 300 }, (_, i) => disclosureEntry(`other-${i}`, { n: i }));
    await appendTo(store, 'ledger-a', entries);
    const growing = await GrowingLog.resume(log, systemClock);
    for await (const batch of store.readTexts({ after: growing.head.position })) growing.add(batch);
    await growing.commit(signer);
    await store.close();
    await log.close();
    expect((await verified(fork)).findings).toEqual([]);
    const original = await LogStore.open({ kind: 'sqlite', file: clean.log });
    const kept = [];
    for await (const { note } of original.checkpoints()) kept.push(note);
    await original.close();
    const { findings } = await verified(fork, kept);
    expect(findings.map(({ what, index }) => [what, index])).toEqual([
      ['checkpoint', 400],
      ['checkpoint', 500],
      ['checkpoint', 600],
    ]);
  });
});
