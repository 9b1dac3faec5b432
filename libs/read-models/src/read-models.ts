import { EventEmitter } from 'node:events';
import { sql } from 'kysely';
import type { AsOf, Freshness } from '@sijill/contracts';
import { LANES, leafHashOf, type EventStore, type StoredEntry } from '@sijill/event-store';
import {
  areTablesUnknown,
  DatabaseUnavailable,
  isoTime,
  LedgerPart,
  openSql,
  retryWhileBusy,
  type Clock,
  type Mark,
  type Sql,
  type SqlTarget,
} from '@sijill/platform';
import { digestOf } from './digest.js';
import { followLanes, laneEnds } from './lane-ends.js';
import { advance, between, heldBack, hindmost, readProgress, takeProgress, writeProgress } from './progress.js';
import { ProjectionFailed, type Stopped } from './projection-failed.js';
import { Rebuild } from './rebuild.js';
import { RowWriter } from './rows.js';
import {
  forgetTables,
  makeTables,
  READ_MODEL,
  READ_MODEL_NAMES,
  readModelMigrations,
  withoutTables,
  type ReadModelName,
  type ReadModelTables,
} from './tables.js';

const BATCH = 500;

export interface ReadModelsOptions {
  /** Is told of events in the ledger's streams that are not the ledger's, each once: when the foremost read model passes over it. */
  readonly onForeign?: (entries: readonly StoredEntry[]) => void;
  /** Is told the highest number of a change of the vault that entries name, before they are applied. What it throws stops them. */
  readonly onVaultSequence?: (sequence: number) => Promise<void>;
}

export interface Rebuilt {
  /** Store position that the hindmost of them stands at. */
  readonly position: number;
  /** Whether the new rows are those that were there, where that was asked for; null when the old ones never stood still for it. */
  readonly unchanged: boolean | null;
}

/**
 * The read models and where each stands. Everything in them comes from the store and can be made again from it.
 *
 * Rows and positions commit together, in a transaction that begins by taking the positions, so several processes may project at
 * once (a server and a command): the second finds the batch done and goes on behind it. A crash leaves rows and positions as they
 * were before the batch. Within the transaction each read model works for itself: one that throws is taken back alone.
 */
export class ReadModels {
  private readonly moved = new EventEmitter().setMaxListeners(0);
  /** Whose they are. */
  readonly part: LedgerPart;
  private readonly rows: RowWriter;
  private acknowledged = 0;

  private constructor(
    readonly sql: Sql<ReadModelTables>,
    private readonly clock: Clock,
    private readonly onForeign: (entries: readonly StoredEntry[]) => void,
    private readonly onVaultSequence: (sequence: number) => Promise<void>,
  ) {
    this.rows = new RowWriter(sql);
    this.part = new LedgerPart(sql, READ_MODEL, 'the database of the read models');
  }

  /** @throws DatabaseUnavailable they cannot be reached, or are those of the first edition */
  static async open(
    target: SqlTarget,
    clock: Clock,
    { onForeign, onVaultSequence }: ReadModelsOptions = {},
  ): Promise<ReadModels> {
    const database = await openDatabase(target);
    try {
      if ((await withoutTables(database.reader)).length > 0)
        await retryWhileBusy(() =>
          database.writer.transaction().execute(async (trx) => {
            await takeProgress(trx);
            await makeTables(trx, database.dialect);
          }),
        );
    } catch (cause) {
      await database.close();
      throw new DatabaseUnavailable('the tables of the read models could not be made', { cause });
    }
    return new ReadModels(
      database,
      clock,
      onForeign ?? (() => undefined),
      onVaultSequence ?? (() => Promise.resolve()),
    );
  }

  /** Where a read model stands now; the hindmost of all when none is named. */
  async asOf(name?: ReadModelName): Promise<AsOf> {
    const progress = await readProgress(this.sql.reader);
    const { position, asOf } = name === undefined ? hindmost(progress.values()) : progress.get(name)!;
    return { position, time: asOf === '' ? isoTime(this.clock.now()) : asOf };
  }

  /** Store position of each read model. */
  async positions(): Promise<ReadonlyMap<ReadModelName, number>> {
    return new Map([...(await readProgress(this.sql.reader))].map(([name, { position }]) => [name, position]));
  }

  /** Where the hindmost of those stands that can move while some stand still; null when none can. */
  async startBeside(stopped: Iterable<ReadModelName>): Promise<number | null> {
    const held = heldBack(stopped);
    const others = [...(await this.positions())].filter(([name]) => !held.has(name));
    return others.length === 0 ? null : Math.min(...others.map(([, position]) => position));
  }

  /** Notes that somebody was told of this position: answers of this process wait for it a little. */
  noteAcknowledged(position: number): void {
    this.acknowledged = Math.max(this.acknowledged, position);
  }

  /**
   * Where a read model stands, and how old that is, after waiting a moment for what this process has acknowledged: who was just
   * told "accepted" finds it. When it does not get there in time the answer is older, and says so.
   */
  async freshAsOf(name: ReadModelName, patienceMs = 2_000): Promise<Freshness> {
    return this.aged(await this.waitFor(this.acknowledged, patienceMs, name));
  }

  /** An answer's position with its age. */
  aged(asOf: AsOf): Freshness {
    return { ...asOf, ageSeconds: Math.max(0, Math.round((this.clock.now() - Date.parse(asOf.time)) / 1000)) };
  }

  /** Waits until a read model (all of them when none is named) serves a position, or the time is up; returns where it stands. */
  async waitFor(position: number, patienceMs: number, name?: ReadModelName): Promise<AsOf> {
    const until = Date.now() + patienceMs;
    for (;;) {
      const asOf = await this.asOf(name);
      if (asOf.position >= position || Date.now() >= until) return asOf;
      await this.nextMove(25);
    }
  }

  /**
   * Applies a batch of the store's order: to each read model whole or not at all.
   *
   * @param after the position that the batch follows in the store's order. Read models that have not reached it are left where
   *   they are. When absent, the caller vouches that none of them lacks anything before the batch.
   * @throws ProjectionFailed some threw and stay where they are; the others have moved
   * @throws LaneGap entries are missing before one of these; nothing has moved
   */
  async apply(batch: readonly StoredEntry[], after = 0): Promise<void> {
    this.sql.assertInPlace();
    const vaultSequence = highestVaultSequence(batch);
    await this.onVaultSequence(vaultSequence);
    const { stopped, foreign } = await retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        const failures: Stopped[] = [];
        const before = await takeProgress(trx);
        const progress = new Map(before);
        const attempt = async (name: ReadModelName, work: () => Promise<void>): Promise<void> => {
          await sql`savepoint read_model`.execute(trx);
          try {
            await work();
          } catch (error) {
            // Where the database is gone, this fails too: then it is not the read model's fault, and nothing is committed.
            await sql`rollback to savepoint read_model`.execute(trx).catch(() => {
              throw error;
            });
            failures.push({ name, error });
          }
          await sql`release savepoint read_model`.execute(trx);
        };
        await advance(this.rows.into(trx), progress, batch, { after, live: { db: trx, progress }, attempt });
        await writeProgress(trx, before, progress);
        const fresh = between(batch, foremost(before), foremost(progress));
        await followLanes(trx, fresh);
        const last = fresh.at(-1);
        if (last !== undefined) await this.part.note(markOf(last), vaultSequence, trx);
        return { stopped: failures, foreign: fresh.filter(({ foreign }) => foreign) };
      }),
    );
    if (foreign.length > 0) this.onForeign(foreign);
    this.moved.emit('moved');
    if (stopped.length > 0) throw new ProjectionFailed(stopped);
  }

  /**
   * Applies all that is in the store now, from where the hindmost stands. Behind one that throws nothing is read for its sake.
   *
   * @param onProgress is told the store position reached
   * @throws ProjectionFailed some threw and stay where they are; the others are at the end
   */
  async catchUp(
    store: EventStore,
    onProgress: (position: number) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    const stopped = new Map<ReadModelName, Stopped>();
    for (;;) {
      const start = await this.startBeside(stopped.keys());
      if (start === null) break;
      const failures = await this.applyFrom(start, store, onProgress, signal);
      if (failures.length === 0) break;
      for (const failure of failures) stopped.set(failure.name, failure);
    }
    if (stopped.size > 0) throw new ProjectionFailed([...stopped.values()]);
  }

  /** Applies what is in the store behind a position, up to its end or to the first batch over which some stop. */
  private async applyFrom(
    start: number,
    store: EventStore,
    onProgress: (position: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<readonly Stopped[]> {
    let after = start;
    try {
      for await (const batch of store.readAll({ after, batchSize: BATCH })) {
        if (signal?.aborted === true) break;
        await this.apply(batch, after);
        after = batch.at(-1)!.position;
        onProgress(after);
      }
    } catch (error) {
      if (error instanceof ProjectionFailed) return error.stopped;
      throw error;
    }
    return [];
  }

  /**
   * Makes the rows again from the store, beside the live ones, which are served and kept up to date meanwhile; then puts the new
   * ones in their place. A rebuild that is cut short leaves the live rows as they are, and the next one clears away what it left.
   *
   * @param only one read model; all of them when absent
   * @param onProgress is told the store position reached
   * @param compare tells whether the old rows were the same. Both are read at one position, before the new ones go on from it
   * @throws RebuildOvertaken another rebuild of the same rows has begun meanwhile
   */
  async rebuild(
    store: EventStore,
    only?: ReadModelName,
    {
      onProgress = () => undefined,
      compare = false,
    }: { onProgress?: (position: number) => void; compare?: boolean } = {},
  ): Promise<Rebuilt> {
    const names = only === undefined ? READ_MODEL_NAMES : [only];
    const rebuild = await Rebuild.begin(this.sql, this.rows, names);
    const rebuilt = await rebuild.run(store, onProgress, compare);
    this.moved.emit('moved');
    return rebuilt;
  }

  /** Forgets all rows and all that they were read from: they are made again from the first entry on, whatever the store holds now. */
  async beginAnew(): Promise<void> {
    await retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        await takeProgress(trx);
        await forgetTables(trx);
        await makeTables(trx, this.sql.dialect);
        await laneEnds.forget(trx);
        await this.part.forget(trx);
      }),
    );
  }

  /** SHA-256 over all rows of the read models in canonical form: the same for the same ledger, on either dialect. */
  digest(names: readonly ReadModelName[] = READ_MODEL_NAMES): Promise<string> {
    return digestOf(this.sql.reader, names);
  }

  async close(): Promise<void> {
    await this.sql.close();
  }

  private nextMove(patienceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.moved.off('moved', done);
        resolve();
      };
      const timer = setTimeout(done, patienceMs);
      this.moved.on('moved', done);
    });
  }
}

async function openDatabase(target: SqlTarget): Promise<Sql<ReadModelTables>> {
  try {
    return await openSql<ReadModelTables>(target, {
      name: 'read_model',
      durability: 'normal',
      migrations: readModelMigrations,
    });
  } catch (error) {
    if (areTablesUnknown(error))
      throw new DatabaseUnavailable(
        'these read models are of the first edition, which this release does not read; start a new ledger with an empty folder or database',
        { cause: error },
      );
    throw error;
  }
}

/** The highest number of a change of the vault that some entries name; 0 where they name none. */
export function highestVaultSequence(entries: readonly StoredEntry[]): number {
  return entries.reduce((most, { stream, metadata }) => {
    // Absent where an entry concerns nobody. What the vault itself tells of is numbered as its changes are.
    const sequence = stream === LANES.vault ? metadata['outbox'] : metadata['vault'];
    return Math.max(most, Number(sequence ?? 0));
  }, 0);
}

/** By which the store is known again. */
function markOf(entry: StoredEntry): Mark {
  return { position: entry.position, leafHash: leafHashOf(entry) };
}

function foremost(progress: ReadonlyMap<ReadModelName, { position: number }>): number {
  return Math.max(...[...progress.values()].map(({ position }) => position));
}
