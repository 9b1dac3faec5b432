import type { Kysely } from 'kysely';
import type { StoredEntry } from '@sijill/event-store';
import { projectActivities } from './activity-timeline/project.js';
import { projectEntries, standingsOf, type Standings } from './entries/project.js';
import { projectQuarantine } from './quarantine/project.js';
import type { Target } from './rows.js';
import { READ_MODEL_NAMES, type ReadModelName, type ReadModelTables } from './tables.js';

/** How far a read model is in the order of the store. */
export interface Reached {
  readonly position: number;
  /** When the entry there was recorded; empty while there is none. */
  readonly asOf: string;
}

/** How far each read model is, those first that others need. */
export type Progress = Map<ReadModelName, Reached>;

export interface Course {
  /** The position that the batch follows: a read model that has not reached it would miss what lies between. */
  readonly after: number;
  /** How far a read model may go. */
  readonly end: (name: ReadModelName) => number;
  /** The entry catalogue that decides what counts: of the same set of tables, or the live one. */
  readonly catalogue: Kysely<ReadModelTables>;
  /** Runs the work of one read model, and may catch what it throws: its progress is then as it was. */
  readonly attempt: (name: ReadModelName, work: () => Promise<void>) => Promise<void>;
}

/**
 * Brings read models further by a batch of the store's order, and notes in `progress` how far each has come. What is in the rows
 * already is passed over.
 */
export async function advance(
  target: Target,
  progress: Progress,
  batch: readonly StoredEntry[],
  { after, end, catalogue, attempt }: Course,
): Promise<void> {
  let decided: { after: number; standings: Standings } | null = null;
  for (const [name, { position }] of progress) {
    if (position < after) continue;
    const fresh = between(batch, position, end(name));
    const last = fresh.at(-1);
    if (last === undefined) continue;
    await attempt(name, async () => {
      switch (name) {
        case 'entries':
          decided = { after: position, standings: await projectEntries(target, fresh) };
          break;
        case 'activity-timeline': {
          const known = decided !== null && decided.after <= position;
          await projectActivities(target, fresh, known ? decided!.standings : await standingsOf(catalogue, fresh));
          break;
        }
        case 'quarantine':
          await projectQuarantine(target, fresh);
          break;
        default:
          return name satisfies never;
      }
      progress.set(name, { position: last.position, asOf: last.metadata['recordedAt'] as string });
    });
  }
}

function between(batch: readonly StoredEntry[], after: number, end: number): readonly StoredEntry[] {
  if (batch.length === 0 || (batch[0]!.position > after && batch.at(-1)!.position <= end)) return batch;
  return batch.filter(({ position }) => position > after && position <= end);
}

/** Takes the positions of all read models for this transaction: whoever comes second waits, and finds the batch done. */
export async function takeProgress(trx: Kysely<ReadModelTables>): Promise<Progress> {
  // An update comes first, so that both dialects lock before they read. One row stands for all, so that nobody can hold one of
  // them and wait for another.
  await trx
    .updateTable('projection')
    .set((eb) => ({ position: eb.ref('position') }))
    .where('name', '=', 'entries')
    .execute();
  return readProgress(trx);
}

export async function readProgress(db: Kysely<ReadModelTables>): Promise<Progress> {
  const rows = await db.selectFrom('projection').select(['name', 'position', 'as_of']).execute();
  const byName = new Map(rows.map(({ name, position, as_of }) => [name, { position, asOf: as_of }]));
  return new Map(READ_MODEL_NAMES.map((name) => [name, byName.get(name)!]));
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

/** Those that cannot move while some stand still: these, and whoever needs what they decide. */
export function heldBack(stopped: Iterable<ReadModelName>): ReadonlySet<ReadModelName> {
  const held = new Set(stopped);
  if (held.has('entries')) held.add('activity-timeline');
  return held;
}

/** The one that has come least far. */
export function hindmost(progress: Iterable<Reached>): Reached {
  return [...progress].reduce((least, each) => (each.position < least.position ? each : least));
}
