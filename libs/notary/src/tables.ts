import { sql, type Kysely, type Migration } from 'kysely';
import { LaneEnds } from '@sijill/event-store';
import { LedgerPart, type SqlDialect } from '@sijill/platform';

/** The log beside the store: all of it but the signatures can be made again from the store. */
export interface LogTables {
  /**
   * One row: how far the tree has grown, and how often the end of the store was lost before it was begun. Whoever makes it grow changes this
   * row from what they know it to be, or fails.
   */
  log_head: { id: number; size: number; position: number; losses: number };
  /** Hash tiles; those of level 0 with the store position of each of their leaves, eight bytes each. */
  log_tile: {
    level: number;
    tile: number;
    hashes: Buffer;
    first_position: number | null;
    positions: Buffer | null;
  };
  /** Every checkpoint that was ever signed, as it was given away. */
  log_checkpoint: {
    size: number;
    position: number;
    root: Buffer;
    signed_at: string;
    note: string;
    /** How many of the witnesses that are asked have cosigned it. */
    cosigned: number;
  };
  /** Checkpoints as they were stamped, each with the answer of the time stamp authority. */
  log_time_stamp: { size: number; note: string; answer: Buffer; stamped_at: string };
  /** The log as it was before a loss, by how many there had been: whoever has kept a checkpoint of it follows it to its end. */
  log_former_tile: { losses: number; level: number; tile: number; hashes: Buffer };
  /** `holds`: all that it was signed over is in the tree as it is now, too. */
  log_former_checkpoint: LogTables['log_checkpoint'] & { losses: number; holds: number };
  log_former_time_stamp: LogTables['log_time_stamp'] & { losses: number };
}

/** What the table that says whose log this is is named after. */
export const LOG = 'log';

/** How far each lane is in the tree. */
export const laneEnds = new LaneEnds('log_lane_end');

export const logMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-25-log': {
    up: async (db: Kysely<unknown>) => {
      const bytes = dialect === 'sqlite' ? 'blob' : sql`bytea`;
      await db.schema
        .createTable('log_head')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('size', 'bigint', (column) => column.notNull())
        .addColumn('position', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('log_tile')
        .addColumn('level', 'integer', (column) => column.notNull())
        .addColumn('tile', 'bigint', (column) => column.notNull())
        .addColumn('hashes', bytes as 'blob', (column) => column.notNull())
        .addColumn('first_position', 'bigint')
        .addColumn('positions', bytes as 'blob')
        .addPrimaryKeyConstraint('log_tile_place', ['level', 'tile'])
        .execute();
      await sql`create unique index log_tile_position on log_tile (first_position) where first_position is not null`.execute(
        db,
      );
      await db.schema
        .createTable('log_checkpoint')
        .addColumn('size', 'bigint', (column) => column.primaryKey())
        .addColumn('position', 'bigint', (column) => column.notNull())
        .addColumn('root', bytes as 'blob', (column) => column.notNull())
        .addColumn('signed_at', 'text', (column) => column.notNull())
        .addColumn('note', 'text', (column) => column.notNull())
        .execute();
      await sql`insert into log_head (id, size, position) values (1, 0, 0)`.execute(db);
    },
  },
  '2026-11-25-log-witnesses': {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .alterTable('log_checkpoint')
        .addColumn('cosigned', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
      // The last one with a quorum is looked for, behind which there may be many without.
      await sql`create index log_checkpoint_cosigned on log_checkpoint (size) where cosigned > 0`.execute(db);
    },
  },
  '2026-11-26-log-time-stamps': {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .createTable('log_time_stamp')
        .addColumn('size', 'bigint', (column) => column.primaryKey())
        .addColumn('note', 'text', (column) => column.notNull())
        .addColumn('answer', (dialect === 'sqlite' ? 'blob' : sql`bytea`) as 'blob', (column) => column.notNull())
        .addColumn('stamped_at', 'text', (column) => column.notNull())
        .execute();
    },
  },
  '2026-11-30-log-lane-ends': laneEnds.migration(dialect, sql`position from log_head`),
  '2026-12-01-log-ledger': LedgerPart.migration(LOG),
  '2026-12-02-log-losses': {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .alterTable('log_head')
        .addColumn('losses', 'integer', (column) => column.notNull().defaultTo(0))
        .execute();
      for (const [former, of, more] of [
        ['log_former_tile', 'level, tile, hashes from log_tile', ''],
        ['log_former_checkpoint', '* from log_checkpoint', ', 0 as holds'],
        ['log_former_time_stamp', '* from log_time_stamp', ''],
      ] as const)
        await sql`create table ${sql.table(former)} as select 0 as losses${sql.raw(more)}, ${sql.raw(of)} where 1 = 0`.execute(
          db,
        );
      await sql`create unique index log_former_tile_place on log_former_tile (losses, level, tile)`.execute(db);
      await sql`create unique index log_former_checkpoint_place on log_former_checkpoint (losses, size)`.execute(db);
    },
  },
});
