import type { Kysely } from 'kysely';
import { LaneRevisions, type EventStore } from '@sijill/event-store';
import { retryWhileBusy, type Sql } from '@sijill/platform';
import { digestOf } from './digest.js';
import { laneEnds } from './lane-ends.js';
import { inPlace, placeOf, type Place } from './place.js';
import { advance, hindmost, readProgress, takeProgress, writeProgress, type Progress } from './progress.js';
import type { AnyReadModel } from './read-model.js';
import type { RowWriter } from './rows.js';
import { dropTables, READ_MODEL_BY_NAME, replaceTables, type ReadModelName, type ReadModelTables } from './tables.js';

/** Another rebuild of the same rows has begun: it has cleared away what this one had made so far. */
export class RebuildOvertaken extends Error {
  override readonly name = 'RebuildOvertaken';
  constructor(options?: ErrorOptions) {
    super('another rebuild of the same read model has begun; this one ends', options);
  }
}

type Db = Kysely<ReadModelTables>;

// One transaction each. SQLite has one writer at a time, and the live rows must not wait long for their turn.
const BATCH = 2_000;
const TRIES = 20;
const NOWHERE = { position: 0, asOf: '' };

/**
 * One rebuild: tables of its own beside the live ones, filled in bounded transactions, then put in their place in one short one.
 *
 * Until that one commits, a crash leaves the live tables as they are. What it leaves beside them bears the generation that is in
 * the positions' table, and is dropped by whoever takes the next. So of two rebuilds the later one goes on, and the earlier one
 * finds its tables gone.
 */
export class Rebuild {
  private progress: Progress;
  /** All of it is read, from the first entry on. */
  private readonly lanes = new LaneRevisions([], true);

  private constructor(
    private readonly sql: Sql<ReadModelTables>,
    private readonly rows: RowWriter,
    private readonly names: readonly ReadModelName[],
    private readonly generation: number,
  ) {
    this.progress = new Map(names.map((name) => [name, NOWHERE]));
  }

  /** Takes the next generation and makes its tables, still empty and without the indexes that only readers need. */
  static async begin(sql: Sql<ReadModelTables>, rows: RowWriter, names: readonly ReadModelName[]): Promise<Rebuild> {
    const generation = await transaction(sql, async (trx) => {
      await takeProgress(trx);
      const taken = await trx.selectFrom('projection').select(['name', 'generation']).execute();
      const next = 1 + Math.max(...taken.map((each) => each.generation));
      for (const name of names) {
        const { generation: last } = taken.find((each) => each.name === name)!;
        const { tables, create } = READ_MODEL_BY_NAME.get(name)!;
        await dropTables(trx, tables, placeOf(last));
        await create(trx as Kysely<unknown>, sql.dialect, placeOf(next));
      }
      await trx.updateTable('projection').set({ generation: next }).where('name', 'in', names).execute();
      return next;
    });
    return new Rebuild(sql, rows, names, generation);
  }

  /**
   * Fills the tables from the store, compares them with the live ones when asked to, and puts them in their place.
   *
   * @throws LaneGap the store has lost entries; the live tables stay
   */
  async run(
    store: EventStore,
    onProgress: (position: number) => void,
    compare: boolean,
  ): Promise<{ position: number; unchanged: boolean | null }> {
    try {
      await this.fill(store, onProgress, compare);
      for (const statement of this.models.flatMap(({ indexes }) => indexes(this.place)))
        await retryWhileBusy(() => statement.execute(this.sql.writer));
      const unchanged = compare ? await this.compareWithLive(store) : null;
      await this.fill(store, onProgress, false);
      await this.replaceLive(store);
      return { position: hindmost(this.progress.values()).position, unchanged };
    } catch (error) {
      if (!(await this.isLatest(this.sql.reader).catch(() => true))) throw new RebuildOvertaken({ cause: error });
      // Where this fails too, the next rebuild clears away.
      await transaction(this.sql, (trx) => this.dropAll(trx)).catch(() => undefined);
      throw error;
    }
  }

  private get models(): readonly AnyReadModel[] {
    return this.names.map((name) => READ_MODEL_BY_NAME.get(name)!);
  }

  private get place(): Place {
    return placeOf(this.generation);
  }

  /** Brings the new rows to the end of the store, or no further than the live ones are. */
  private async fill(store: EventStore, onProgress: (position: number) => void, behindLive: boolean): Promise<void> {
    let after = hindmost(this.progress.values()).position;
    for await (const batch of store.readAll({ after, batchSize: BATCH })) {
      this.lanes.take(batch);
      const live = await readProgress(this.sql.reader);
      this.progress = await transaction(this.sql, async (trx) => {
        const progress = new Map(this.progress);
        await this.advance(trx, progress, live, batch, after, behindLive);
        return progress;
      });
      after = batch.at(-1)!.position;
      onProgress(after);
      if (behindLive && this.names.every((name) => live.get(name)!.position <= after)) return;
    }
  }

  /**
   * Whether new and live rows are the same at one position; null when the live ones did not stand still for long enough to be
   * looked at there. Both are read as of one moment, beside which the live ones go on.
   */
  private async compareWithLive(store: EventStore): Promise<boolean | null> {
    for (let tries = 0; tries < TRIES; tries++) {
      this.progress = await transaction(this.sql, async (trx) =>
        this.levelled(trx, store, await takeProgress(trx), true),
      );
      const same = await this.sql.reader
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute(async (moment) => {
          const live = await readProgress(moment);
          const level = this.names.every((name) => live.get(name)!.position === this.progress.get(name)!.position);
          if (!level) return null;
          const made = await digestOf(moment.withPlugin(inPlace(this.place)), this.names);
          return made === (await digestOf(moment, this.names));
        });
      if (same !== null) return same;
    }
    return null;
  }

  /** The one moment at which readers pass from the old rows to the new ones. */
  private async replaceLive(store: EventStore): Promise<void> {
    this.progress = await transaction(this.sql, async (trx) => {
      const live = await takeProgress(trx);
      if (!(await this.isLatest(trx))) throw new RebuildOvertaken();
      const progress = await this.levelled(trx, store, live, false);
      for (const { tables } of this.models) await replaceTables(trx, tables, this.place);
      await writeProgress(trx, live, progress);
      // They may have come further than the live ones were.
      await laneEnds.keep(trx, this.lanes.known);
      return progress;
    });
  }

  /** Brings the new rows to where the live ones stand, who wait meanwhile: there is little left to do. */
  private async levelled(trx: Db, store: EventStore, live: Progress, behindLive: boolean): Promise<Progress> {
    const progress = new Map(this.progress);
    const level = (): boolean => this.names.every((name) => progress.get(name)!.position >= live.get(name)!.position);
    let after = hindmost(progress.values()).position;
    if (level()) return progress;
    for await (const batch of store.readAll({ after, batchSize: BATCH })) {
      this.lanes.take(batch);
      await this.advance(trx, progress, live, batch, after, behindLive);
      after = batch.at(-1)!.position;
      if (level()) break;
    }
    return progress;
  }

  private async advance(
    trx: Db,
    progress: Progress,
    live: Progress,
    batch: Parameters<typeof advance>[2],
    after: number,
    behindLive: boolean,
  ): Promise<void> {
    await advance(this.rows.into(trx, this.place), progress, batch, {
      after,
      ...(behindLive ? { limit: (name) => live.get(name)!.position } : {}),
      live: { db: trx, progress: live },
      attempt: (_, work) => work(),
    });
  }

  private async isLatest(db: Db): Promise<boolean> {
    const rows = await db.selectFrom('projection').select('generation').where('name', 'in', this.names).execute();
    return rows.every(({ generation }) => generation === this.generation);
  }

  private async dropAll(trx: Db): Promise<void> {
    for (const { tables } of this.models) await dropTables(trx, tables, this.place);
  }
}

function transaction<T>(sql: Sql<ReadModelTables>, work: (trx: Db) => Promise<T>): Promise<T> {
  return retryWhileBusy(() => sql.writer.transaction().execute(work));
}
