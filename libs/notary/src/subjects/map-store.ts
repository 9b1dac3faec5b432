import { sql, type Kysely, type Transaction } from 'kysely';
import { isAmong, openSql, retryWhileBusy, type Sql, type SqlTarget } from '@sijill/platform';
import type { MapTiles } from '@sijill/transparency';
import { HeadMoved } from '../log-store.js';
import { EMPTY_MAP, mapMigrations, type MapTables } from './tables.js';

/** How much of the log the map covers, and what it is. */
export interface MapHead {
  readonly size: number;
  /** The store position of the last leaf that it covers. */
  readonly position: number;
  /** The root of the log's first `size` leaves. */
  readonly logRoot: Uint8Array;
  /** One for each subject and kind of entries. */
  readonly chains: number;
  readonly root: Uint8Array;
  /** The store position that somebody waits for the map to reach; 0 when nobody ever did. */
  readonly wanted: number;
}

/** What one commit makes of the map. */
export interface MapStep {
  readonly from: MapHead;
  readonly to: Omit<MapHead, 'wanted'>;
  readonly tiles: ReadonlyMap<string, Uint8Array>;
  /** For each tile of leaves: the place behind the leaf before in the chain, of its leaves from the first on. */
  readonly links: ReadonlyMap<number, readonly bigint[]>;
}

/** The map as it was at one moment. */
export interface MapView {
  readonly head: MapHead;
  readonly tiles: MapTiles;
  /** Of the leaves of a tile: the place behind the leaf before in the chain; 0 when there is none. */
  linksOf(tile: number): Promise<bigint[]>;
  /** Every tile with its prefix, read in pages. */
  everyTile(): AsyncGenerator<{ prefix: string; tile: Uint8Array }>;
}

const PREFIXES_AT_ONCE = 2_000;
const TILES_AT_ONCE = 500;

/** The map of subjects in SQLite, in a file of its own, or in PostgreSQL. */
export class MapStore {
  private constructor(private readonly sql: Sql<MapTables>) {}

  /** @throws DatabaseUnavailable */
  static async open(target: SqlTarget): Promise<MapStore> {
    const database = await openSql<MapTables>(target, {
      name: 'subject_map',
      durability: 'normal',
      migrations: mapMigrations,
    });
    return new MapStore(database);
  }

  async head(): Promise<MapHead> {
    return headOf(this.sql.reader);
  }

  /** Outside a snapshot: for whoever alone extends the map. */
  get tiles(): MapTiles {
    return tilesOf(this.sql.reader);
  }

  linksOf(tile: number): Promise<bigint[]> {
    return linksOf(this.sql.reader, tile);
  }

  /** Looks at the map as it is at one moment, whatever is written meanwhile. */
  async look<T>(work: (view: MapView) => Promise<T>): Promise<T> {
    const { reader, dialect } = this.sql;
    const look = reader.transaction();
    return (dialect === 'postgresql' ? look.setIsolationLevel('repeatable read') : look).execute(async (trx) =>
      work({
        head: await headOf(trx),
        tiles: tilesOf(trx),
        linksOf: (tile) => linksOf(trx, tile),
        everyTile: () => everyTile(trx),
      }),
    );
  }

  /**
   * Takes over one step of the map, all of it or nothing.
   *
   * @throws HeadMoved the map stands elsewhere than where the step begins
   */
  async commit({ from, to, tiles, links }: MapStep): Promise<void> {
    await this.write(async (trx) => {
      const { logRoot: log_root, root, ...numbers } = to;
      const { numUpdatedRows } = await trx
        .updateTable('map_head')
        .set({ ...numbers, log_root: Buffer.from(log_root), root: Buffer.from(root) })
        .where('size', '=', from.size)
        .where('root', '=', Buffer.from(from.root))
        .executeTakeFirstOrThrow();
      if (numUpdatedRows !== 1n) throw new HeadMoved(`the map does not stand at ${from.size} leaves any more`);
      await this.put(trx, 'map_tile', ['prefix', 'tile'], 'text', [...tiles]);
      await this.put(
        trx,
        'map_link',
        ['tile', 'links'],
        'bigint',
        [...links].map(([tile, of]) => [tile, packed(of)]),
      );
    });
  }

  /** Forgets the map, so that it is made anew. @param wanted whether somebody waits for it still */
  async clear(wanted = true): Promise<void> {
    await this.write(async (trx) => {
      await trx
        .updateTable('map_head')
        .set(wanted ? EMPTY_MAP : { ...EMPTY_MAP, wanted: 0 })
        .execute();
      await trx.deleteFrom('map_tile').execute();
      await trx.deleteFrom('map_link').execute();
    });
  }

  /** Asks whoever keeps the map to bring it up to a store position soon. */
  async want(position: number): Promise<void> {
    await retryWhileBusy(() =>
      this.sql.writer.updateTable('map_head').set({ wanted: position }).where('wanted', '<', position).execute(),
    );
  }

  async close(): Promise<void> {
    await this.sql.close();
  }

  private write(work: (trx: Transaction<MapTables>) => Promise<void>): Promise<void> {
    return retryWhileBusy(() => this.sql.writer.transaction().execute(work));
  }

  /** Writes rows of a key and its bytes, each in the place of the one that is there. */
  private async put(
    trx: Transaction<MapTables>,
    table: 'map_tile' | 'map_link',
    [key, value]: readonly [string, string],
    keyType: 'text' | 'bigint',
    rows: readonly (readonly [string | number, Uint8Array])[],
  ): Promise<void> {
    const replace = `on conflict (${key}) do update set ${value} = excluded.${value}`;
    if (this.sql.connection !== null) {
      const insert = this.sql.connection.prepare(`insert into ${table} (${key}, ${value}) values (?, ?) ${replace}`);
      for (const row of rows) insert.run(row);
      return;
    }
    for (let at = 0; at < rows.length; at += TILES_AT_ONCE) {
      const some = rows.slice(at, at + TILES_AT_ONCE);
      const keys = some.map(([one]) => one);
      const values = some.map(([, bytes]) => Buffer.from(bytes));
      await sql`insert into ${sql.table(table)} (${sql.ref(key)}, ${sql.ref(value)})
        select * from unnest(${keys}::${sql.raw(keyType)}[], ${values}::bytea[]) ${sql.raw(replace)}`.execute(trx);
    }
  }
}

async function headOf(db: Kysely<MapTables>): Promise<MapHead> {
  const row = await db.selectFrom('map_head').selectAll().executeTakeFirstOrThrow();
  const { size, position, log_root: logRoot, chains, root, wanted } = row;
  return { size, position, logRoot, chains, root, wanted };
}

function tilesOf(db: Kysely<MapTables>): MapTiles {
  return {
    read: async (prefixes) => {
      const found = new Map<string, Uint8Array>();
      for (let at = 0; at < prefixes.length; at += PREFIXES_AT_ONCE) {
        const some = prefixes.slice(at, at + PREFIXES_AT_ONCE);
        const rows = await db
          .selectFrom('map_tile')
          .selectAll()
          .where(isAmong(db, 'prefix', some))
          .execute();
        for (const { prefix, tile } of rows) found.set(prefix, tile);
      }
      return found;
    },
  };
}

async function* everyTile(db: Kysely<MapTables>): AsyncGenerator<MapTables['map_tile']> {
  for (let last: string | null = null; ;) {
    let page = db.selectFrom('map_tile').selectAll().orderBy('prefix').limit(PREFIXES_AT_ONCE);
    if (last !== null) page = page.where('prefix', '>', last);
    const rows = await page.execute();
    yield* rows;
    if (rows.length < PREFIXES_AT_ONCE) return;
    last = rows.at(-1)!.prefix;
  }
}

async function linksOf(db: Kysely<MapTables>, tile: number): Promise<bigint[]> {
  const row = await db.selectFrom('map_link').select('links').where('tile', '=', tile).executeTakeFirst();
  const links = row?.links ?? Buffer.of();
  return Array.from({ length: links.length / 8 }, (_, i) => links.readBigUInt64BE(8 * i));
}

function packed(links: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * links.length);
  links.forEach((place, i) => bytes.writeBigUInt64BE(place, 8 * i));
  return bytes;
}
