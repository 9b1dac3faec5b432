import type { Kysely } from 'kysely';
import type { StoredEntry } from '@sijill/event-store';
import type { AnyReadModel, Batch } from './read-model.js';
import type { Target } from './target.js';
import { FOR_ALL, READ_MODEL_BY_NAME, READ_MODEL_NAMES, type ReadModelName, type ReadModelTables } from './tables.js';

/** How far a read model is in the order of the store. */
export interface Reached {
  readonly position: number;
  /** When the last entry of the ledger's own by then was recorded; empty while there is none. */
  readonly asOf: string;
}

/** How far each read model is, those first that others need. */
export type Progress = Map<ReadModelName, Reached>;

export interface Course {
  /** The position that the batch follows: a read model that has not reached it would miss what lies between. */
  readonly after: number;
  /** How far a read model may go, beside what those that it needs allow. */
  readonly limit?: (name: ReadModelName) => number;
  /** The live tables and where they stand: for what is needed of read models that are not among those that are brought further. */
  readonly live: { readonly db: Kysely<ReadModelTables>; readonly progress: ReadonlyMap<ReadModelName, Reached> };
  /** Runs the work of one read model, and may catch what it throws: its progress is then as it was. */
  readonly attempt: (name: ReadModelName, work: () => Promise<void>) => Promise<void>;
}

/**
 * Brings read models further by a batch of the store's order, and notes in `progress` how far each has come. What is in the rows
 * already is passed over, and so is what is foreign. None goes further than those that it needs; what these decided about the
 * batch is handed on, or asked for where it was decided before.
 */
export async function advance(
  target: Target<ReadModelTables>,
  progress: Progress,
  batch: readonly StoredEntry[],
  { after, limit = () => Number.POSITIVE_INFINITY, live, attempt }: Course,
): Promise<void> {
  const decided = new Map<ReadModelName, { after: number; decision: unknown }>();
  for (const [name, { position, asOf }] of progress) {
    if (position < after) continue;
    const model = READ_MODEL_BY_NAME.get(name)!;
    const end = Math.min(
      limit(name),
      ...neededBy(model).map((each) => (progress.get(each) ?? live.progress.get(each))!.position),
    );
    const fresh = between(batch, position, end);
    const last = fresh.at(-1);
    if (last === undefined) continue;
    const own = withoutForeign(fresh);
    await attempt(name, async () => {
      const needed: unknown[] = [];
      for (const each of model.needs as readonly AnyReadModel[]) {
        const now = decided.get(each.name as ReadModelName);
        if (now !== undefined && now.after <= position) needed.push(now.decision);
        else needed.push(await each.recall(progress.has(each.name as ReadModelName) ? target.db : live.db, own));
      }
      const decision: unknown = await model.project({ target, batch: own, decided: needed });
      decided.set(name, { after: position, decision });
      progress.set(name, {
        position: last.position,
        asOf: (own.at(-1)?.metadata['recordedAt'] as string | undefined) ?? asOf,
      });
    });
  }
}

/** The entries of a batch behind a position, up to another. */
export function between(batch: readonly StoredEntry[], after: number, end: number): readonly StoredEntry[] {
  if (batch.length === 0 || (batch[0]!.position > after && batch.at(-1)!.position <= end)) return batch;
  return batch.filter(({ position }) => position > after && position <= end);
}

function withoutForeign(batch: readonly StoredEntry[]): Batch {
  return batch.some(({ foreign }) => foreign) ? batch.filter(({ foreign }) => !foreign) : batch;
}

/** Takes the positions of all read models for this transaction: whoever comes second waits, and finds the batch done. */
export async function takeProgress(trx: Kysely<ReadModelTables>): Promise<Progress> {
  // An update comes first, so that both dialects lock before they read. One row stands for all, so that nobody can hold one of
  // them and wait for another.
  await trx
    .updateTable('projection')
    .set((eb) => ({ position: eb.ref('position') }))
    .where('name', '=', FOR_ALL)
    .execute();
  return readProgress(trx);
}

/** Where each read model stands. One whose tables are not made yet stands before the first entry. */
export async function readProgress(db: Kysely<ReadModelTables>): Promise<Progress> {
  const rows = await db.selectFrom('projection').select(['name', 'position', 'as_of']).execute();
  const byName = new Map(rows.map(({ name, position, as_of }) => [name, { position, asOf: as_of }]));
  return new Map(READ_MODEL_NAMES.map((name) => [name, byName.get(name) ?? { position: 0, asOf: '' }]));
}

/** Writes down what has moved since, with one statement where all have moved together. */
export async function writeProgress(
  trx: Kysely<ReadModelTables>,
  before: ReadonlyMap<ReadModelName, Reached>,
  now: ReadonlyMap<ReadModelName, Reached>,
): Promise<void> {
  const together = new Map<number, { names: ReadModelName[]; asOf: string }>();
  for (const [name, { position, asOf }] of now) {
    if (before.get(name)?.position === position) continue;
    const group = together.get(position);
    if (group === undefined) together.set(position, { names: [name], asOf });
    else group.names.push(name);
  }
  for (const [position, { names, asOf }] of together)
    await trx.updateTable('projection').set({ position, as_of: asOf }).where('name', 'in', names).execute();
}

/** The names of those that a read model needs itself. */
export function neededBy(model: AnyReadModel): readonly ReadModelName[] {
  return (model.needs as readonly AnyReadModel[]).map(({ name }) => name as ReadModelName);
}

/** Those that cannot move while some stand still, each with those of them that it waits for itself; none for whoever stopped. */
export function heldBack(stopped: Iterable<ReadModelName>): ReadonlyMap<ReadModelName, readonly ReadModelName[]> {
  const held = new Map<ReadModelName, readonly ReadModelName[]>();
  const still = new Set(stopped);
  // Each comes behind those that it needs, so that one look at each is enough.
  for (const [name, model] of READ_MODEL_BY_NAME) {
    const waitsFor = neededBy(model).filter((each) => held.has(each));
    if (still.has(name)) held.set(name, []);
    else if (waitsFor.length > 0) held.set(name, waitsFor);
  }
  return held;
}

/** The one that has come least far. */
export function hindmost(progress: Iterable<Reached>): Reached {
  return [...progress].reduce((least, each) => (each.position < least.position ? each : least));
}
