import { sql } from 'kysely';
import { LRUCache } from 'lru-cache';
import type { LaneRevisions } from '@sijill/event-store';
import { LedgerPart, openSql, PartBehind, retryWhileBusy, type Mark, type Sql, type SqlTarget } from '@sijill/platform';
import {
  FormatInvalid,
  HASH_BYTES,
  TILE_WIDTH,
  tileWidth,
  toHex,
  type Tile,
  type TilePlace,
} from '@sijill/transparency';
import { laneEnds, LOG, logMigrations, type LogTables } from './tables.js';

/** Somebody else has made the log grow: this notary must not go on from what it knew. */
export class HeadMoved extends Error {
  override readonly name = 'HeadMoved';
}

/** How far the tree has grown, and the store position of its last leaf. */
export interface LogHead {
  readonly size: number;
  readonly position: number;
}

export interface SignedCheckpoint extends LogHead {
  readonly root: Uint8Array;
  readonly signedAt: string;
  /** The C2SP signed note. */
  readonly note: string;
}

/** A checkpoint as it was when an authority stamped it: witnesses may have signed under it since. */
export interface StampedCheckpoint {
  readonly size: number;
  /** What was stamped, to the byte. */
  readonly note: string;
  /** Of the time stamp authority, a TimeStampResp in DER. RFC 3161, section 2.4.2 */
  readonly answer: Uint8Array;
  /** By the clock of the notary. */
  readonly stampedAt: string;
}

/** What one commit adds: leaves with their positions, in tiles, and a checkpoint when one was signed. */
export interface Growth {
  readonly from: LogHead;
  readonly to: LogHead;
  readonly tiles: readonly Tile[];
  /** Store positions of the leaves, from the first leaf of the tile of level 0 in which the growth begins. */
  readonly positions: readonly number[];
  /** The last revision of each lane among the leaves. */
  readonly lanes: ReadonlyMap<string, number>;
  readonly checkpoint: SignedCheckpoint | null;
}

/** Tiles that are written with one statement: PostgreSQL takes 65,535 parameters, and a tile is five. */
const MOST_ROWS = 1_000;
/** Conditions in one query: SQLite takes no deeper tree of them. */
const PLACES_AT_ONCE = 250;
/** All of 2,048 leaves and more in a log of thirty million; of a larger log those that are asked for. */
const KNOWN_HASHES = 16_384;

/** The log's tiles, positions and checkpoints in SQLite or PostgreSQL. */
export class LogStore {
  /** Hashes of subtrees that proofs have needed: some 4 MB at most. */
  readonly known = new LRUCache<string, Uint8Array>({ max: KNOWN_HASHES });

  /** Whose log this is. */
  readonly part: LedgerPart;

  /** How many leaves it has had, by all that this process has seen of it and of the ledger. */
  private reached = 0;

  private constructor(private readonly sql: Sql<LogTables>) {
    this.part = new LedgerPart(sql, LOG, 'the log');
  }

  /** @throws DatabaseUnavailable */
  static async open(target: SqlTarget): Promise<LogStore> {
    return new LogStore(
      await openSql<LogTables>(target, { name: 'log', durability: 'full', migrations: logMigrations }),
    );
  }

  /** That the log has so many leaves, as the ledger says. @throws PartBehind it has not; from then on `head` says so too */
  async assertReached(size: number): Promise<void> {
    this.reached = Math.max(this.reached, size);
    await this.head();
  }

  /** @throws PartBehind it had more leaves: an older copy was put in its place */
  async head(): Promise<LogHead> {
    // Others may make it grow, and this process see that, before this answer is read.
    const least = this.reached;
    const head = await this.sql.reader.selectFrom('log_head').select(['size', 'position']).executeTakeFirstOrThrow();
    if (head.size < least)
      throw new PartBehind(
        `the log is an older copy: it has ${head.size} leaves, and had ${least}. Put the newest one back; nothing is signed until then`,
      );
    this.reached = Math.max(this.reached, head.size);
    return head;
  }

  /** How often the end of the store was lost, by what the log knows: each time it has begun anew. */
  async losses(): Promise<number> {
    this.sql.assertInPlace();
    return (await this.sql.reader.selectFrom('log_head').select('losses').executeTakeFirstOrThrow()).losses;
  }

  /**
   * Begins the log anew behind a loss, still empty, and puts what it was aside. Done once, however often it is asked for.
   *
   * @param losses how many there were with this one
   * @param kept leaves that are in the store as they were
   */
  async beginAfterLoss(losses: number, kept: number): Promise<void> {
    await retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('log_head')
          .set({ size: 0, position: 0, losses })
          .where('losses', '<', losses)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows !== 1n) return;
        await trx.updateTable('log_former_checkpoint').set({ holds: 0 }).where('size', '>', kept).execute();
        const before = sql.lit(losses - 1);
        await sql`insert into log_former_tile select ${before}, level, tile, hashes from log_tile`.execute(trx);
        await sql`insert into log_former_checkpoint select ${before}, case when size <= ${kept} then 1 else 0 end, log_checkpoint.* from log_checkpoint`.execute(
          trx,
        );
        await sql`insert into log_former_time_stamp select ${before}, log_time_stamp.* from log_time_stamp`.execute(
          trx,
        );
        for (const table of ['log_tile', 'log_checkpoint', 'log_time_stamp'] as const)
          await trx.deleteFrom(table).execute();
        await laneEnds.forget(trx);
      }),
    );
    this.reached = 0;
    this.known.clear();
  }

  /** Some tiles of the log as it was when there had been so many losses, in the order asked for; null where one is not there. */
  async formerTiles(losses: number, places: readonly TilePlace[]): Promise<(Uint8Array | null)[]> {
    const tiles: (Uint8Array | null)[] = [];
    for (const { level, index } of places) {
      const tile = this.sql.reader.selectFrom('log_former_tile').select('hashes').where('losses', '=', losses);
      const row = await tile.where('level', '=', level).where('tile', '=', Number(index)).executeTakeFirst();
      tiles.push(row?.hashes ?? null);
    }
    return tiles;
  }

  /**
   * Makes the log grow and takes over its checkpoint, all in one transaction, or nothing.
   *
   * @throws HeadMoved it stands elsewhere than where the growth begins
   */
  async grow({ from, to, tiles, positions, lanes, checkpoint }: Growth): Promise<void> {
    this.sql.assertInPlace();
    await retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        const { numUpdatedRows } = await trx
          .updateTable('log_head')
          .set({ size: to.size, position: to.position })
          .where('size', '=', from.size)
          .where('position', '=', from.position)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows !== 1n) throw new HeadMoved(`the log does not stand at ${from.size} leaves any more`);
        for (let written = 0; written < tiles.length; written += MOST_ROWS) {
          const rows = tiles.slice(written, written + MOST_ROWS).map((tile) => tileRow(tile, from, positions));
          await trx
            .insertInto('log_tile')
            .values(rows)
            .onConflict((conflict) =>
              conflict.columns(['level', 'tile']).doUpdateSet(({ ref }) => ({
                hashes: ref('excluded.hashes'),
                first_position: ref('excluded.first_position'),
                positions: ref('excluded.positions'),
              })),
            )
            .execute();
        }
        await laneEnds.keep(trx, lanes);
        if (checkpoint !== null) {
          const { size, position, root, signedAt, note } = checkpoint;
          await trx
            .insertInto('log_checkpoint')
            .values({ size, position, root: Buffer.from(root), signed_at: signedAt, note, cosigned: 0 })
            .execute();
        }
      }),
    );
  }

  /** How far each lane is in the tree. */
  lanes(): Promise<LaneRevisions> {
    return laneEnds.revisions(this.sql.reader);
  }

  /** The hashes of tiles, in their order; null for one that is not there. */
  async tiles(places: readonly TilePlace[]): Promise<(Uint8Array | null)[]> {
    const found = new Map<string, Uint8Array>();
    for (let at = 0; at < places.length; at += PLACES_AT_ONCE) {
      const some = places.slice(at, at + PLACES_AT_ONCE);
      const rows = await this.sql.reader
        .selectFrom('log_tile')
        .select(['level', 'tile', 'hashes'])
        .where((where) => where.or(some.map(({ level, index }) => where.and({ level: level, tile: Number(index) }))))
        .execute();
      for (const { level, tile, hashes } of rows) found.set(`${level}/${tile}`, hashes);
    }
    return places.map(({ level, index }) => found.get(`${level}/${index}`) ?? null);
  }

  /** The hashes of some leaves, one behind the other. @throws FormatInvalid a tile of theirs is not there, or cut */
  async leafHashes(from: number, count: number): Promise<Uint8Array> {
    const hashes = new Uint8Array(count * HASH_BYTES);
    const [first, end] = [Math.floor(from / TILE_WIDTH), Math.ceil((from + count) / TILE_WIDTH)];
    const tiles = await this.leafTiles(first, end);
    for (let tile = first; tile < end; tile++) {
      const begin = tile * TILE_WIDTH;
      const [least, most] = [Math.max(from, begin), Math.min(from + count, begin + TILE_WIDTH)];
      const of = tiles.get(tile)?.hashes.subarray((least - begin) * HASH_BYTES, (most - begin) * HASH_BYTES);
      if (of?.length !== (most - least) * HASH_BYTES) throw new FormatInvalid(`tile 0/${tile} is not there, or cut`);
      hashes.set(of, (least - from) * HASH_BYTES);
    }
    return hashes;
  }

  /** The tiles at the right edge of a tree, from the leaves upwards, as `TreeGrowth.from` takes them. */
  async edges(size: number): Promise<Uint8Array[]> {
    const whole = BigInt(size);
    const places: TilePlace[] = [];
    for (let level = 0; whole >> BigInt(8 * level) > 0n; level++)
      places.push({ level, index: whole >> BigInt(8 * (level + 1)) });
    const tiles = await this.tiles(places);
    return places.map((place, i) => (tiles[i] ?? new Uint8Array()).subarray(0, 32 * tileWidth(place, whole)));
  }

  /** The tiles of level 0 from one up to another, that one not included, with the store positions of their leaves, by index. */
  async leafTiles(from: number, to: number): Promise<Map<number, { hashes: Uint8Array; positions: number[] }>> {
    const rows = await this.sql.reader
      .selectFrom('log_tile')
      .select(['tile', 'hashes', 'positions'])
      .where('level', '=', 0)
      .where('tile', '>=', from)
      .where('tile', '<', to)
      .execute();
    return new Map(
      rows.map(({ tile, hashes, positions }) => [tile, { hashes, positions: unpacked(positions ?? Buffer.of()) }]),
    );
  }

  /** Store positions of the leaves of one tile; none when it is not there. */
  async positionsOf(tile: number): Promise<number[]> {
    const row = await this.sql.reader
      .selectFrom('log_tile')
      .select('positions')
      .where('level', '=', 0)
      .where('tile', '=', tile)
      .executeTakeFirst();
    return unpacked(row?.positions ?? Buffer.of());
  }

  /** The last leaf that was committed, with the entry that it is; null before the first. */
  async lastLeaf(): Promise<Mark | null> {
    const { size, position } = await this.head();
    return size === 0 ? null : { position, leafHash: toHex(await this.leafHashes(size - 1, 1)) };
  }

  /** The store position of a leaf; null when the tree has no such leaf yet. */
  async positionAt(index: number): Promise<number | null> {
    return (await this.positionsOf(Math.floor(index / TILE_WIDTH)))[index % TILE_WIDTH] ?? null;
  }

  /** The index of the leaf at a store position; null when the tree has none there yet. */
  async indexAt(position: number): Promise<number | null> {
    const around = await this.tileAround(position);
    const at = around?.positions.indexOf(position) ?? -1;
    return at < 0 ? null : around!.tile * TILE_WIDTH + at;
  }

  /** How many leaves stand at store positions up to this one. */
  async leavesUpTo(position: number): Promise<number> {
    const around = await this.tileAround(position);
    if (around === null) return 0;
    return around.tile * TILE_WIDTH + around.positions.filter((at) => at <= position).length;
  }

  /** The last tile that begins at a store position or before it, with the positions of its leaves. */
  private async tileAround(position: number): Promise<{ tile: number; positions: number[] } | null> {
    const row = await this.sql.reader
      .selectFrom('log_tile')
      .select(['tile', 'positions'])
      .where('first_position', '<=', position)
      .orderBy('first_position', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row === undefined || row.positions === null ? null : { tile: row.tile, positions: unpacked(row.positions) };
  }

  /** The last checkpoint that so many witnesses have cosigned; null when there is none yet. */
  async checkpoint(cosigned = 0): Promise<SignedCheckpoint | null> {
    const row = await this.cosigned(cosigned).orderBy('size', 'desc').limit(1).executeTakeFirst();
    return row === undefined ? null : signedCheckpoint(row);
  }

  /** The first checkpoint of more leaves than some and at most others, that so many witnesses have cosigned; null when there is none. */
  async firstCheckpoint(
    { over, upTo }: { readonly over: number; readonly upTo: number },
    cosigned: number,
  ): Promise<SignedCheckpoint | null> {
    const first = this.cosigned(cosigned).where('size', '>', over).where('size', '<=', upTo).orderBy('size').limit(1);
    const row = (await this.firstFormer({ over, upTo }, cosigned)) ?? (await first.executeTakeFirst());
    return row === undefined ? null : signedCheckpoint(row);
  }

  /** The same, of those that were signed before a loss, over leaves that are still there. */
  private firstFormer({ over, upTo }: { readonly over: number; readonly upTo: number }, cosigned: number) {
    return this.sql.reader
      .selectFrom('log_former_checkpoint')
      .select(['size', 'position', 'root', 'signed_at', 'note', 'cosigned'])
      .where('holds', '=', 1)
      .where('cosigned', '>=', cosigned)
      .where('size', '>', over)
      .where('size', '<=', upTo)
      .orderBy('size')
      .limit(1)
      .executeTakeFirst();
  }

  /** The checkpoints that so many witnesses have cosigned. That it is more than none lets the index serve. */
  private cosigned(least: number) {
    const all = this.sql.reader.selectFrom('log_checkpoint').selectAll();
    return least === 0 ? all : all.where('cosigned', '>', 0).where('cosigned', '>=', least);
  }

  /**
   * Puts a witness's signature under a checkpoint.
   *
   * @param count of a note, how many witnesses have cosigned it
   */
  async addSignature(size: number, line: string, count: (note: string) => number): Promise<void> {
    await retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        // Written before it is read: whoever else adds one waits.
        const touched = trx.updateTable('log_checkpoint').set((eb) => ({ cosigned: eb.ref('cosigned') }));
        await touched.where('size', '=', size).execute();
        const { note } = await trx
          .selectFrom('log_checkpoint')
          .select('note')
          .where('size', '=', size)
          .executeTakeFirstOrThrow();
        if (note.includes(line)) return;
        const signed = note + line;
        await trx
          .updateTable('log_checkpoint')
          .set({ note: signed, cosigned: count(signed) })
          .where('size', '=', size)
          .execute();
      }),
    );
  }

  /** Every checkpoint, in order, read in pages. */
  async *checkpoints(): AsyncGenerator<SignedCheckpoint> {
    for (let last = -1; ;) {
      const rows = await this.sql.reader
        .selectFrom('log_checkpoint')
        .selectAll()
        .where('size', '>', last)
        .orderBy('size')
        .limit(500)
        .execute();
      yield* rows.map(signedCheckpoint);
      if (rows.length < 500) return;
      last = rows.at(-1)!.size;
    }
  }

  async addTimeStamp({ size, note, answer, stampedAt }: StampedCheckpoint): Promise<void> {
    await retryWhileBusy(() =>
      this.sql.writer
        .insertInto('log_time_stamp')
        .values({ size, note, answer: Buffer.from(answer), stamped_at: stampedAt })
        // Of two notaries, when one has lost its claim meanwhile, the first.
        .onConflict((conflict) => conflict.column('size').doNothing())
        .execute(),
    );
  }

  /** The last checkpoint that has a time stamp; null when none has. */
  async lastStamped(): Promise<StampedCheckpoint | null> {
    const stamped = this.sql.reader.selectFrom('log_time_stamp').selectAll().orderBy('size', 'desc').limit(1);
    return stampedCheckpoint(await stamped.executeTakeFirst());
  }

  /** The first checkpoint of at least so many leaves that has a time stamp; null when none has. */
  async firstStamped(size: number): Promise<StampedCheckpoint | null> {
    const stamped = this.sql.reader.selectFrom('log_time_stamp').selectAll().orderBy('size').limit(1);
    return stampedCheckpoint(await stamped.where('size', '>=', size).executeTakeFirst());
  }

  async close(): Promise<void> {
    await this.sql.close();
  }
}

function signedCheckpoint({ signed_at: signedAt, cosigned: _, ...row }: LogTables['log_checkpoint']): SignedCheckpoint {
  return { ...row, signedAt };
}

function stampedCheckpoint(row: LogTables['log_time_stamp'] | undefined): StampedCheckpoint | null {
  if (row === undefined) return null;
  const { stamped_at: stampedAt, ...rest } = row;
  return { ...rest, stampedAt };
}

function tileRow({ level, index, hashes }: Tile, from: LogHead, positions: readonly number[]): LogTables['log_tile'] {
  const tile = Number(index);
  const first = (tile - Math.floor(from.size / TILE_WIDTH)) * TILE_WIDTH;
  const leaves = level === 0 ? positions.slice(first, first + TILE_WIDTH) : null;
  return {
    level,
    tile,
    hashes: bufferOf(hashes),
    first_position: leaves?.[0] ?? null,
    positions: leaves === null ? null : packed(leaves),
  };
}

function packed(positions: readonly number[]): Buffer {
  const bytes = new DataView(new ArrayBuffer(8 * positions.length));
  positions.forEach((position, i) => bytes.setBigUint64(8 * i, BigInt(position)));
  return bufferOf(bytes);
}

function unpacked(buffer: Buffer): number[] {
  const bytes = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  return Array.from({ length: buffer.length / 8 }, (_, i) => Number(bytes.getBigUint64(8 * i)));
}

/** The same bytes, not a copy. */
function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array | DataView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
