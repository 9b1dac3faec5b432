import type { Kysely } from 'kysely';
import { isAmong } from '@sijill/platform';
import type { Batch } from '../read-model.js';
import type { Target } from '../target.js';
import { keysByGeneration, nameOf, type EventKey } from './event-key.js';
import type { EntryTable, EntryTables, Standing } from './table.js';

/** What each entry of a producer's event counts as, by its id. Entries that the ledger wrote itself are not in it. */
export type Standings = ReadonlyMap<string, Standing>;

type Db = Kysely<EntryTables>;
type EventRow = EntryTables['event'];

/** One entry of a producer's event, on its way to a standing. */
interface Occurrence {
  readonly row: EntryTable;
  readonly digest: string;
  readonly part: { readonly index: number; readonly of: number };
}

/** The entries of a batch that say they are the same event. */
interface Claim extends EventKey {
  readonly occurrences: Occurrence[];
}

/** All that was said under one identity: first, and otherwise. */
interface Said {
  readonly event: EventRow;
  /** By digest. */
  readonly otherwise: ReadonlyMap<string, EventRow>;
}

interface EntryHead {
  readonly recordedAt: string;
  readonly producer?: string | null;
  readonly source?: string;
  readonly event?: EventKey & { digest: string };
  readonly part?: { index: number; of: number };
}

const WHOLE = { index: 0, of: 1 };

/**
 * Writes a batch into the catalogue of entries and decides what each counts as.
 *
 * What was said first under an identity, in the order of the store, counts whole: an entry is `first` when nothing was said before,
 * or when it is the next missing part of that content. So a repeat sent after an event was cut in the middle completes it. Anything
 * else that is said under the identity is a `conflict` the first time, whole by the same rule; said again it is a `repeat`. So
 * nothing is counted twice, and nothing is lost.
 */
export async function projectEntries(target: Target<EntryTables>, batch: Batch): Promise<Standings> {
  const rows: EntryTable[] = [];
  const claims = new Map<string, Claim>();
  for (const entry of batch) {
    const head = entry.metadata as object as EntryHead;
    const row: EntryTable = {
      entry_id: entry.id,
      position: entry.position,
      lane: entry.stream,
      revision: entry.revision,
      type: entry.type,
      subject_id: (entry.data['subjectId'] as string | undefined) ?? null,
      producer: head.producer ?? null,
      source: head.source ?? null,
      standing: null,
      first_entry_id: null,
      recorded_at: head.recordedAt,
    };
    rows.push(row);
    if (head.event === undefined) continue;
    const { generation, tag, digest } = head.event;
    const name = nameOf(head.event);
    let claim = claims.get(name);
    if (claim === undefined) claims.set(name, (claim = { generation, tag, occurrences: [] }));
    claim.occurrences.push({ row, digest, part: head.part ?? WHOLE });
  }

  // Nearly all events are new. So they are written as new, and only where some were there before is anything read.
  const said = new Map([...claims].map(([name, claim]) => [name, judge(claim, null)]));
  const events = [...said.values()].map(({ event }) => event);
  if ((await target.insertNew('event', events)) < events.length)
    for (const name of await judgeKnown(target, claims)) said.delete(name);
  await target.insert(
    'event_conflict',
    [...said.values()].flatMap(({ otherwise }) => [...otherwise.values()]),
  );
  await target.insert('entry', rows);
  return new Map(rows.flatMap(({ entry_id, standing }) => (standing === null ? [] : [[entry_id, standing]])));
}

/**
 * Judges again those events of which something was known before this batch, and writes down what is known of them now.
 *
 * @returns their names
 */
async function judgeKnown(target: Target<EntryTables>, claims: ReadonlyMap<string, Claim>): Promise<string[]> {
  const keys = [...claims.values()];
  const events = (await rowsOf(target.db, 'event', keys)).filter(
    // What has just been written here was not known.
    (row) => row.first_entry_id !== claims.get(nameOf(row))!.occurrences[0]!.row.entry_id,
  );
  const conflicts = new Map<string, Map<string, EventRow>>(events.map((row) => [nameOf(row), new Map()]));
  for (const row of await rowsOf(target.db, 'event_conflict', events)) conflicts.get(nameOf(row))!.set(row.digest, row);
  for (const event of events) {
    const before: Said = { event, otherwise: conflicts.get(nameOf(event))! };
    const now = judge(claims.get(nameOf(event))!, before);
    await noteParts(target.db, 'event', event, now.event);
    for (const [digest, row] of now.otherwise) {
      const known = before.otherwise.get(digest);
      if (known === undefined) await target.insert('event_conflict', [row]);
      else await noteParts(target.db, 'event_conflict', known, row);
    }
  }
  return events.map(nameOf);
}

/** Gives the occurrences their standing, in their order, and returns what is known behind them. */
function judge({ generation, tag, occurrences }: Claim, known: Said | null): Said {
  let event = known === null ? null : { ...known.event };
  const otherwise = new Map([...(known?.otherwise ?? [])].map(([digest, row]) => [digest, { ...row }]));
  for (const { row, digest, part } of occurrences) {
    const same = event?.digest === digest ? event : otherwise.get(digest);
    if (same === undefined) {
      const said = { generation, tag, digest, first_entry_id: row.entry_id, parts_seen: 1, parts_of: part.of };
      row.standing = event === null ? 'first' : 'conflict';
      row.first_entry_id = event?.first_entry_id ?? null;
      if (event === null) event = said;
      else otherwise.set(digest, said);
    } else if (part.index === same.parts_seen && part.index < same.parts_of) {
      same.parts_seen++;
      row.standing = same === event ? 'first' : 'conflict';
      row.first_entry_id = event!.first_entry_id;
    } else {
      row.standing = 'repeat';
      row.first_entry_id = same.first_entry_id;
    }
  }
  return { event: event!, otherwise };
}

async function noteParts(db: Db, table: 'event' | 'event_conflict', before: EventRow, now: EventRow): Promise<void> {
  const { generation, tag, digest, parts_seen } = now;
  if (parts_seen === before.parts_seen) return;
  await db
    .updateTable(table)
    .set({ parts_seen })
    .where('generation', '=', generation)
    .where('tag', '=', tag)
    .where('digest', '=', digest)
    .execute();
}

async function rowsOf(db: Db, table: 'event' | 'event_conflict', keys: readonly EventKey[]): Promise<EventRow[]> {
  const rows: EventRow[] = [];
  for (const [generation, tags] of keysByGeneration(keys))
    rows.push(
      ...(await db
        .selectFrom(table)
        .selectAll()
        .where('generation', '=', generation)
        .where(isAmong(db, 'tag', tags))
        .execute()),
    );
  return rows;
}

/** What was decided about entries that were projected before. */
export async function standingsOf(db: Db, batch: Batch): Promise<Standings> {
  const ids = batch.map(({ id }) => id);
  const rows = await db
    .selectFrom('entry')
    .select(['entry_id', 'standing'])
    .where(isAmong(db, 'entry_id', ids))
    .execute();
  return new Map(rows.flatMap(({ entry_id, standing }) => (standing === null ? [] : [[entry_id, standing]])));
}
