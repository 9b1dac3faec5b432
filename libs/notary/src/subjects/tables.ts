import { sql, type Kysely, type Migration } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';
import { EMPTY_ROOT, HASH_BYTES } from '@sijill/transparency';

/** The map of where the chains of all subjects end: all of it can be made again from the log and the store. */
export interface MapTables {
  /** One row: how much of the log the map covers, and what it is. Whoever extends the map changes it from what they know it to be. */
  map_head: {
    id: number;
    size: number;
    position: number;
    /** The root of the log's first `size` leaves, so that a map is never taken for that of another log. */
    log_root: Buffer;
    /** How many chains the map has: one for each subject and kind of entries. */
    chains: number;
    root: Buffer;
    /** A store position that somebody waits for the map to reach. */
    wanted: number;
  };
  /** Tiles as `SubjectMap` has them, by their prefixes. */
  map_tile: { prefix: string; tile: Buffer };
  /** For the leaves of a tile of level 0: the place behind the leaf before in its chain, eight bytes each; 0 when there is none. */
  map_link: { tile: number; links: Buffer };
}

/** The map of a log without leaves. */
export const EMPTY_MAP: Omit<MapTables['map_head'], 'id' | 'wanted'> = {
  size: 0,
  position: 0,
  log_root: Buffer.from(EMPTY_ROOT),
  chains: 0,
  root: Buffer.alloc(HASH_BYTES),
};

export const mapMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-25-subject-map': {
    up: async (db: Kysely<unknown>) => {
      const bytes = (dialect === 'sqlite' ? 'blob' : sql`bytea`) as 'blob';
      await db.schema
        .createTable('map_head')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('size', 'bigint', (column) => column.notNull())
        .addColumn('position', 'bigint', (column) => column.notNull())
        .addColumn('log_root', bytes, (column) => column.notNull())
        .addColumn('chains', 'bigint', (column) => column.notNull())
        .addColumn('root', bytes, (column) => column.notNull())
        .addColumn('wanted', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('map_tile')
        .addColumn('prefix', bytewiseText(dialect) as 'text', (column) => column.primaryKey())
        .addColumn('tile', bytes, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('map_link')
        .addColumn('tile', 'bigint', (column) => column.primaryKey())
        .addColumn('links', bytes, (column) => column.notNull())
        .execute();
      const first = { id: 1, ...EMPTY_MAP, wanted: 0 };
      await (db as Kysely<MapTables>).insertInto('map_head').values(first).execute();
    },
  },
});
