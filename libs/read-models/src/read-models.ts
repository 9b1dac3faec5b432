import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { sql, type Transaction } from 'kysely';
import type { AsOf } from '@sijill/contracts';
import type { EventStore, StoredEntry } from '@sijill/event-store';
import { isoTime, openSql, retryWhileBusy, type Clock, type Sql, type SqlTarget } from '@sijill/platform';
import { canonicalJson } from '@sijill/transparency';
import { projectActivities } from './activity-timeline/project.js';
import { projectEntries, type Standings } from './entries/project.js';
import { projectQuarantine } from './quarantine/project.js';
import { isAmong } from './rows.js';
import { readModelMigrations, type ReadModelTables } from './tables.js';

type Trx = Transaction<ReadModelTables>;

/** The read models by name, with the tables that each owns. */
export const READ_MODELS = {
  entries: ['entry', 'event'],
  'activity-timeline': ['activity'],
  quarantine: ['quarantine'],
} as const satisfies Record<string, readonly (keyof ReadModelTables)[]>;

export type ReadModelName = keyof typeof READ_MODELS;

const PROJECTION = 'read-models';
const BATCH = 500;

/**
 * The read models and where they stand. Everything in them comes from the store and can be made again from it.
 *
 * Each batch and the position behind it commit in one transaction that begins by taking the position's row, so several
 * processes may project at once (a server and a command): the second finds the batch done and goes on behind it. A crash leaves
 * the rows and the position as they were before the batch.
 */
export class ReadModels {
  private readonly moved = new EventEmitter().setMaxListeners(0);
  private acknowledged = 0;

  private constructor(
    readonly sql: Sql<ReadModelTables>,
    private readonly clock: Clock,
  ) {}

  /** @throws DatabaseUnavailable */
  static async open(target: SqlTarget, clock: Clock): Promise<ReadModels> {
    return new ReadModels(
      await openSql<ReadModelTables>(target, {
        name: 'read_model',
        durability: 'normal',
        migrations: readModelMigrations,
      }),
      clock,
    );
  }

  /** Where the read models stand now. */
  async asOf(): Promise<AsOf> {
    const row = await this.sql.reader
      .selectFrom('projection')
      .select(['position', 'as_of'])
      .where('name', '=', PROJECTION)
      .executeTakeFirstOrThrow();
    return { position: row.position, time: row.as_of === '' ? isoTime(this.clock.now()) : row.as_of };
  }

  /** Notes that somebody was told of this position: answers of this process wait for it a little. */
  noteAcknowledged(position: number): void {
    this.acknowledged = Math.max(this.acknowledged, position);
  }

  /**
   * Where the read models stand, after waiting a moment for what this process has acknowledged: who was just told "accepted"
   * finds it. When they do not get there in time the answer is older, and says so.
   */
  async freshAsOf(patienceMs = 2_000): Promise<AsOf> {
    return this.waitFor(this.acknowledged, patienceMs);
  }

  /** Waits until a position is served, or the time is up; returns where the read models stand then. */
  async waitFor(position: number, patienceMs: number): Promise<AsOf> {
    const until = Date.now() + patienceMs;
    for (;;) {
      const asOf = await this.asOf();
      if (asOf.position >= position || Date.now() >= until) return asOf;
      await this.nextMove(25);
    }
  }

  /** Applies a batch of the store's order, whole or not at all; what is in the rows already is passed over. */
  async apply(batch: readonly StoredEntry[]): Promise<void> {
    await retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        const position = await takePosition(trx);
        const fresh = batch.filter((entry) => entry.position > position);
        if (fresh.length > 0) await project(trx, fresh);
      }),
    );
    this.moved.emit('moved');
  }

  /** Applies all that is in the store now; for commands that run without a projector beside them. */
  async catchUp(store: EventStore, onProgress: (position: number) => void = () => undefined): Promise<void> {
    const { position } = await this.asOf();
    for await (const batch of store.readAll({ after: position, batchSize: BATCH })) {
      await this.apply(batch);
      onProgress(batch.at(-1)!.position);
    }
  }

  /**
   * Makes the rows again from the store, in one transaction: readers see the old rows until the new ones are complete, and a
   * crash changes nothing.
   *
   * @param only one read model; all of them when absent
   * @param onProgress is told the store position reached
   */
  async rebuild(
    store: EventStore,
    only?: ReadModelName,
    onProgress: (position: number) => void = () => undefined,
  ): Promise<void> {
    await retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        const end = await takePosition(trx);
        const names = only === undefined ? (Object.keys(READ_MODELS) as ReadModelName[]) : [only];
        for (const table of names.flatMap((name) => READ_MODELS[name])) await trx.deleteFrom(table).execute();
        if (only === undefined)
          await trx.updateTable('projection').set({ position: 0, as_of: '' }).where('name', '=', PROJECTION).execute();
        for await (const batch of store.readAll({ batchSize: BATCH })) {
          const wanted = only === undefined ? batch : batch.filter((entry) => entry.position <= end);
          if (wanted.length === 0) break;
          if (only === undefined) await project(trx, wanted);
          else if (only === 'entries') await projectEntries(trx, wanted);
          else if (only === 'activity-timeline') await projectActivities(trx, wanted, await standingsOf(trx, wanted));
          else await projectQuarantine(trx, wanted);
          onProgress(wanted.at(-1)!.position);
        }
      }),
    );
    this.moved.emit('moved');
  }

  /** SHA-256 over all rows of all read models in canonical form: the same for the same ledger, on either dialect. */
  async digest(): Promise<string> {
    const hash = createHash('sha256');
    for (const table of Object.values(READ_MODELS).flat()) {
      const order = table === 'event' ? sql`source, event_id` : sql`entry_id`;
      const pageSize = 2_000;
      for (let offset = 0; ; offset += pageSize) {
        const { rows } =
          await sql`select * from ${sql.table(table)} order by ${order} limit ${pageSize} offset ${offset}`.execute(
            this.sql.reader,
          );
        for (const row of rows) hash.update(`${table} ${canonicalJson(row)}\n`);
        if (rows.length < pageSize) break;
      }
    }
    return hash.digest('hex');
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

/** Takes the position's row for this transaction. An update comes first, so that both dialects lock before they read. */
async function takePosition(trx: Trx): Promise<number> {
  await trx
    .updateTable('projection')
    .set((eb) => ({ position: eb.ref('position') }))
    .where('name', '=', PROJECTION)
    .execute();
  const { position } = await trx
    .selectFrom('projection')
    .select('position')
    .where('name', '=', PROJECTION)
    .executeTakeFirstOrThrow();
  return position;
}

async function project(trx: Trx, batch: readonly StoredEntry[]): Promise<void> {
  const standings = await projectEntries(trx, batch);
  await projectActivities(trx, batch, standings);
  await projectQuarantine(trx, batch);
  const last = batch.at(-1)!;
  await trx
    .updateTable('projection')
    .set({ position: last.position, as_of: last.metadata['recordedAt'] as string })
    .where('name', '=', PROJECTION)
    .execute();
}

async function standingsOf(trx: Trx, batch: readonly StoredEntry[]): Promise<Standings> {
  const ids = batch.map(({ id }) => id);
  const rows = await trx
    .selectFrom('entry')
    .select(['entry_id', 'standing'])
    .where(isAmong(trx, 'entry_id', ids))
    .execute();
  return new Map(rows.flatMap(({ entry_id, standing }) => (standing === null ? [] : [[entry_id, standing]])));
}
