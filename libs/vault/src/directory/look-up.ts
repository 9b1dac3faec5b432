import { isAmong, isoTime } from '@sijill/platform';
import { holds } from './interval.js';
import type { NamedIdentifier } from '../identifier.js';
import type { VaultDb } from '../vault-sql.js';
import type { DirectoryPorts } from './ports.js';
import {
  namesOf,
  readBindings,
  readMembers,
  readPersons,
  readUses,
  schemesOf,
  type IndexNames,
} from './read-picture.js';
import { ALWAYS, NEVER } from './tables.js';
import { sealedContext } from './write-additions.js';

export type ConflictStatus = 'open' | 'linked' | 'apart';

/** What is known of the person that a subject is. */
export interface KnownPerson {
  /** All other subjects that are the same person, sorted. */
  readonly linked: readonly string[];
  /** Conflicts with somebody else that nobody has settled. */
  readonly openConflicts: number;
}

export interface FoundSubject extends KnownPerson {
  readonly subjectId: string;
  /** When the identifier stopped to lead there; null while it does. */
  readonly until: string | null;
  /** Who else has used it, at that time or another, sorted; nobody of the same person. */
  readonly shared: readonly string[];
}

export interface KnownIdentifier {
  readonly subjectId: string;
  readonly scheme: string;
  readonly realm: string | null;
  readonly value: string;
  /** The producer that bound it. */
  readonly producer: string;
  readonly since: string | null;
  readonly until: string | null;
  /** Whether somebody else has used it, at that time or another. */
  readonly shared: boolean;
}

export interface ListedConflict {
  readonly conflictId: string;
  readonly status: ConflictStatus;
  readonly schemes: readonly string[];
  readonly subjectIds: readonly [string, string];
  /** Whose event made it, and the entry that it became; null where an officer kept the two apart before any did. */
  readonly producer: string | null;
  readonly entryId: string | null;
  readonly recordedAt: string;
}

export interface ConflictPage {
  readonly items: readonly ListedConflict[];
  /** What to ask the next page with; null at the end. */
  readonly next: number | null;
}

/** Whom an identifier leads to at a time; null when it leads to nobody. Makes nothing. */
export async function lookUp(
  ports: DirectoryPorts,
  { scheme, realm, value }: Pick<NamedIdentifier, 'scheme' | 'realm' | 'value'>,
  at: number,
): Promise<FoundSubject | null> {
  for (;;) {
    const { index } = await ports.look();
    const found = await lookUpUnder(ports, namesOf([ports.blindIndex(index, scheme, realm, value)]), at);
    // It may have been brought to a name meanwhile that was not asked for.
    if ((await ports.look()).index === index) return found;
  }
}

async function lookUpUnder(ports: DirectoryPorts, names: IndexNames, at: number): Promise<FoundSubject | null> {
  const { reader } = ports.sql;
  const bindings = await readBindings(reader, names);
  const binding = bindings.find((each) => holds(each, at));
  if (binding === undefined) return null;
  const { subjectId, until } = binding;
  const person = await personOf(reader, subjectId);
  if (person === null) return null;
  const used = await readUses(reader, names);
  const same = new Set([subjectId, ...person.linked]);
  const shared = new Set([...bindings, ...used].map((each) => each.subjectId).filter((each) => !same.has(each)));
  return { subjectId, ...person, until: timeOf(until), shared: [...shared].sort() };
}

/** Who a subject is linked to; null when the directory knows no such subject. */
export async function personOf(db: VaultDb, subjectId: string): Promise<KnownPerson | null> {
  const members = await readMembers(db, [subjectId]);
  if (members.length === 0) return null;
  const linked = members.map((each) => each.subjectId).filter((each) => each !== subjectId);
  return { linked, openConflicts: await openConflictsOf(db, subjectId) };
}

/** All identifiers that these subjects have or had, in clear; those of an erased subject are none. */
export async function identifiersOf(ports: DirectoryPorts, subjectIds: readonly string[]): Promise<KnownIdentifier[]> {
  if (subjectIds.length === 0) return [];
  const { reader } = ports.sql;
  const rows = await reader
    .selectFrom('vault_binding')
    .selectAll()
    .where(isAmong(reader, 'subject_id', subjectIds))
    .execute();
  const users = await personsBy(reader, new Map(rows.map(({ blind_index }) => [blind_index, blind_index])));
  const values = await ports.openFor(
    reader,
    rows.map(({ subject_id, blind_index, sealed }) => ({
      subjectId: subject_id,
      context: sealedContext(blind_index),
      sealed,
    })),
  );
  return rows
    .flatMap((row, i): KnownIdentifier[] => {
      const value = values[i];
      if (value === null || value === undefined) return [];
      return [
        {
          subjectId: row.subject_id,
          scheme: row.scheme,
          realm: row.realm === '' ? null : row.realm,
          value,
          producer: row.producer,
          since: timeOf(row.since),
          until: timeOf(row.until),
          shared: (users.get(row.blind_index)?.size ?? 0) > 1,
        },
      ];
    })
    .sort(byName);
}

/** Conflicts, the newest first. @param before of the page before, `next` */
export async function conflicts(
  { sql }: DirectoryPorts,
  { status, limit, before }: { readonly status?: ConflictStatus; readonly limit: number; readonly before?: number },
): Promise<ConflictPage> {
  let query = sql.reader
    .selectFrom('vault_case')
    .innerJoin('vault_subject as one', 'one.subject_id', 'vault_case.subject_a')
    .innerJoin('vault_subject as other', 'other.subject_id', 'vault_case.subject_b')
    .select([
      'vault_case.case_id',
      'vault_case.subject_a',
      'vault_case.subject_b',
      'vault_case.number',
      'vault_case.schemes',
      'vault_case.producer',
      'vault_case.entry_id',
      'vault_case.recorded_at',
      'vault_case.separation_id',
      'one.person_id as person_a',
      'other.person_id as person_b',
    ])
    .orderBy('vault_case.number', 'desc')
    .limit(limit + 1);
  if (before !== undefined) query = query.where('vault_case.number', '<', before);
  if (status === 'linked') query = query.whereRef('one.person_id', '=', 'other.person_id');
  if (status === 'apart') query = query.where('vault_case.separation_id', 'is not', null);
  if (status === 'open')
    query = query.whereRef('one.person_id', '<>', 'other.person_id').where('vault_case.separation_id', 'is', null);
  const rows = await query.execute();
  const items = rows.slice(0, limit).map((row): ListedConflict => ({
    conflictId: row.case_id,
    status: row.person_a === row.person_b ? 'linked' : row.separation_id === null ? 'open' : 'apart',
    schemes: schemesOf(row.schemes),
    subjectIds: [row.subject_a, row.subject_b],
    producer: row.producer,
    entryId: row.entry_id,
    recordedAt: isoTime(row.recorded_at),
  }));
  return { items, next: rows.length > limit ? rows[limit - 1]!.number : null };
}

/** Which persons have used each of these identifiers, whether it led to them or not. */
async function personsBy(db: VaultDb, names: IndexNames): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const users = [...(await readBindings(db, names)), ...(await readUses(db, names))];
  const subjectIds = [...new Set(users.map(({ subjectId }) => subjectId))];
  const persons = new Map((await readPersons(db, subjectIds)).map((each) => [each.subjectId, each.personId]));
  const byIndex = new Map<string, Set<string>>();
  for (const { index, subjectId } of users)
    byIndex.set(index, (byIndex.get(index) ?? new Set()).add(persons.get(subjectId) ?? subjectId));
  return byIndex;
}

/** Two counts, since a case is found by either of its sides; none is in both. */
async function openConflictsOf(db: VaultDb, subjectId: string): Promise<number> {
  let open = 0;
  for (const [here, there] of [
    ['subject_a', 'subject_b'],
    ['subject_b', 'subject_a'],
  ] as const) {
    const row = await db
      .selectFrom('vault_subject as named')
      .innerJoin('vault_subject as one', 'one.person_id', 'named.person_id')
      .innerJoin('vault_case', `vault_case.${here}`, 'one.subject_id')
      .innerJoin('vault_subject as other', 'other.subject_id', `vault_case.${there}`)
      .select(({ fn }) => fn.countAll().as('open'))
      .where('named.subject_id', '=', subjectId)
      .whereRef('other.person_id', '<>', 'named.person_id')
      .where('vault_case.separation_id', 'is', null)
      .executeTakeFirstOrThrow();
    open += Number(row.open);
  }
  return open;
}

function timeOf(milliseconds: number): string | null {
  return milliseconds === ALWAYS || milliseconds === NEVER ? null : isoTime(milliseconds);
}

function byName(left: KnownIdentifier, right: KnownIdentifier): number {
  const name = ({ scheme, realm, value, since, subjectId }: KnownIdentifier): string =>
    [scheme, realm ?? '', value, since ?? '', subjectId].join('\0');
  return name(left) < name(right) ? -1 : 1;
}
