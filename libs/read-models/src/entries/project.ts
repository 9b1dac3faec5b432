import type { Kysely } from 'kysely';
import { isAmong } from '@sijill/platform';
import type { Batch } from '../read-model.js';
import type { Target } from '../target.js';
import { keysByGeneration, nameOf, type EventKey } from './event-key.js';
import type { EntryTable, EntryTables, Standing } from './table.js';

/** What each entry of a producer's event counts as, by its id. Entries that the ledger wrote itself are not in it. */
export type Standings = ReadonlyMap<string, Standing>;

type Db = Kysely<EntryTables>;
type Saying = EntryTables['event'];

/** The entries of a batch that say they are the same event, on their way to a standing. */
interface Claim extends EventKey {
  readonly occurrences: { readonly row: EntryTable; readonly saying: Saying }[];
}

interface EntryHead {
  readonly recordedAt: string;
  readonly producer?: string | null;
  readonly source?: string;
  readonly event?: EventKey & { digest: string };
  readonly part?: { index: number };
}

/**
 * Writes a batch into the catalogue of entries and decides what each counts as, in the order of the store.
 *
 * Whatever is said under an identity counts once for each person that it is said of: said again of the same person it is a `repeat`. What
 * was said first is `first`, in each of its parts; so a repeat sent after an event was cut in the middle completes it. All else is
 * a `conflict`: what says something other, and what says the same in a part that was somebody else's before, as a repeat does from
 * behind a release that was told late. So nothing counts twice, no history lacks what was said of its person, and whoever reads
 * the entries of one person alone knows which of them count.
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
    const saying: Saying = {
      generation,
      tag,
      digest,
      subject_id: row.subject_id ?? '',
      part: head.part?.index ?? 0,
      entry_id: entry.id,
    };
    const name = nameOf(head.event);
    const claim = claims.get(name);
    if (claim === undefined) claims.set(name, { generation, tag, occurrences: [{ row, saying }] });
    else claim.occurrences.push({ row, saying });
  }

  // Nearly all events are new. So they are written as new, and only where some were there before is anything read.
  const firsts = [...claims.values()].map(({ occurrences }) => occurrences[0]!.saying);
  const known = (await target.insertNew('event', firsts)) < firsts.length ? await knownOf(target.db, claims) : null;
  const besides = [...claims].flatMap(([name, claim]) => judge(claim, known?.get(name) ?? []));
  await target.insert('event_besides', besides);
  await target.insert('entry', rows);
  return new Map(rows.flatMap(({ entry_id, standing }) => (standing === null ? [] : [[entry_id, standing]])));
}

/**
 * Gives the occurrences their standing, in their order.
 *
 * @param known what was said under their identity before this batch, the first of it first
 * @returns what they say besides the first
 */
function judge({ occurrences }: Claim, known: readonly Saying[]): Saying[] {
  const said = [...known];
  for (const { row, saying } of occurrences) {
    const first = said[0] ?? saying;
    const same = said.filter(({ digest }) => digest === saying.digest);
    const earlier = same.find(({ subject_id }) => subject_id === saying.subject_id);
    if (earlier !== undefined) {
      row.standing = 'repeat';
      row.first_entry_id = earlier.entry_id;
      continue;
    }
    const isNext = first.digest === saying.digest && same.every(({ part }) => part !== saying.part);
    row.standing = isNext ? 'first' : 'conflict';
    row.first_entry_id = first === saying ? null : first.entry_id;
    said.push(saying);
  }
  return said.slice(Math.max(known.length, 1));
}

/** What was said before this batch under those of its identities that are not new, the first of it first; by their names. */
async function knownOf(db: Db, claims: ReadonlyMap<string, Claim>): Promise<ReadonlyMap<string, readonly Saying[]>> {
  const firsts = (await sayingsOf(db, 'event', [...claims.values()])).filter(
    // What has just been written here was not known.
    (first) => first.entry_id !== claims.get(nameOf(first))!.occurrences[0]!.row.entry_id,
  );
  const known = new Map(firsts.map((first) => [nameOf(first), [first]]));
  for (const saying of await sayingsOf(db, 'event_besides', firsts)) known.get(nameOf(saying))!.push(saying);
  return known;
}

async function sayingsOf(db: Db, table: 'event' | 'event_besides', keys: readonly EventKey[]): Promise<Saying[]> {
  const rows: Saying[] = [];
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
