import { IDENTIFYING_SCHEMES } from '@sijill/contracts';
import { isAmong } from '@sijill/platform';
import { Picture, type Binding, type IdentityCase } from './picture.js';
import type { VaultDb } from '../vault-sql.js';
import type { BlindIndex } from './ports.js';
import type { DirectoryTables } from './tables.js';

const BINDING = [
  'vault_binding.blind_index',
  'vault_binding.since',
  'vault_binding.until',
  'vault_binding.subject_id',
  'vault_binding.scheme',
  'vault_binding.realm',
  'vault_binding.producer',
] as const;

/**
 * Names under which identifiers may stand, and for each the one under which it is spoken of: itself, unless it is of an older key. All that
 * stands about one identifier stands under one of its names.
 */
export type IndexNames = ReadonlyMap<string, string>;

const NOTHING: IndexNames = new Map();

export function namesOf(identifiers: Iterable<BlindIndex>): IndexNames {
  const names = new Map<string, string>();
  for (const { index, older } of identifiers) for (const name of [index, ...older]) names.set(name, index);
  return names;
}

/**
 * Reads the part of the directory that these identifiers and subjects are in: whoever has or had the identifiers, all linked to any of
 * them or of the subjects, with their identifying values and their cases. Six queries, however many they are.
 */
export async function readPicture(
  db: VaultDb,
  { names = NOTHING, subjectIds = [] }: { readonly names?: IndexNames; readonly subjectIds?: readonly string[] },
): Promise<Picture> {
  const bindings = await readBindings(db, names);
  const named = unique([...subjectIds, ...bindings.map(({ subjectId }) => subjectId)]);
  const subjects = await readMembers(db, named);
  const everybody = subjects.map(({ subjectId }) => subjectId);
  const identifying = await readIdentifying(db, everybody, names);
  const byPlace = new Map([...bindings, ...identifying].map((each) => [`${each.index} ${each.since}`, each]));
  return new Picture({
    bindings: [...byPlace.values()],
    cuts: await readCuts(db, names),
    subjects,
    cases: await readCases(db, everybody),
    uses: await readUses(db, names),
  });
}

/** All bindings of these identifiers, of whatever time. One whose subject has no key any more leads to nobody. */
export async function readBindings(db: VaultDb, names: IndexNames): Promise<Binding[]> {
  if (names.size === 0) return [];
  const rows = await db
    .selectFrom('vault_binding')
    .innerJoin('vault_key', 'vault_key.subject_id', 'vault_binding.subject_id')
    .select(BINDING)
    .where(isAmong(db, 'vault_binding.blind_index', [...names.keys()]))
    .execute();
  return rows.map((row) => bindingOf(row, names));
}

/** Which person each of these subjects is; those that are not known are left out. */
export async function readPersons(
  db: VaultDb,
  subjectIds: readonly string[],
): Promise<{ readonly subjectId: string; readonly personId: string }[]> {
  if (subjectIds.length === 0) return [];
  return db
    .selectFrom('vault_subject')
    .select(['subject_id as subjectId', 'person_id as personId'])
    .where(isAmong(db, 'subject_id', subjectIds))
    .execute();
}

/**
 * All subjects that are the same persons as these, which are among them as far as they are known. In one statement: between two, others could
 * link them to somebody, and their persons would have no members any more.
 */
export async function readMembers(
  db: VaultDb,
  subjectIds: readonly string[],
): Promise<{ readonly subjectId: string; readonly personId: string }[]> {
  if (subjectIds.length === 0) return [];
  return db
    .selectFrom('vault_subject as named')
    .innerJoin('vault_subject as member', 'member.person_id', 'named.person_id')
    .select(['member.subject_id as subjectId', 'member.person_id as personId'])
    .distinct()
    .where(isAmong(db, 'named.subject_id', subjectIds))
    .orderBy('member.subject_id')
    .execute();
}

/** Which of these subjects have a key: for others nothing can be sealed. */
export async function livingAmong(db: VaultDb, subjectIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('vault_key')
    .select('subject_id')
    .where(isAmong(db, 'subject_id', subjectIds))
    .execute();
  return new Set(rows.map(({ subject_id }) => subject_id!));
}

export async function readCuts(
  db: VaultDb,
  names: IndexNames,
): Promise<{ readonly index: string; readonly at: number }[]> {
  if (names.size === 0) return [];
  const rows = await db
    .selectFrom('vault_cut')
    .select(['blind_index', 'at'])
    .where(isAmong(db, 'blind_index', [...names.keys()]))
    .execute();
  return rows.map(({ blind_index, at }) => ({ index: names.get(blind_index)!, at }));
}

/** Who else was named with these identifiers. */
export async function readUses(
  db: VaultDb,
  names: IndexNames,
): Promise<{ readonly index: string; readonly subjectId: string }[]> {
  if (names.size === 0) return [];
  const rows = await db
    .selectFrom('vault_use')
    .select(['blind_index', 'subject_id as subjectId'])
    .where(isAmong(db, 'blind_index', [...names.keys()]))
    .execute();
  return rows.map(({ blind_index, subjectId }) => ({ index: names.get(blind_index)!, subjectId }));
}

async function readIdentifying(db: VaultDb, subjectIds: readonly string[], names: IndexNames): Promise<Binding[]> {
  if (subjectIds.length === 0) return [];
  const rows = await db
    .selectFrom('vault_binding')
    .innerJoin('vault_key', 'vault_key.subject_id', 'vault_binding.subject_id')
    .select(BINDING)
    .where(isAmong(db, 'vault_binding.subject_id', subjectIds))
    .where('vault_binding.scheme', 'in', [...IDENTIFYING_SCHEMES])
    .execute();
  return rows.map((row) => bindingOf(row, names));
}

async function readCases(db: VaultDb, subjectIds: readonly string[]): Promise<IdentityCase[]> {
  if (subjectIds.length === 0) return [];
  const columns = ['case_id', 'subject_a', 'subject_b', 'schemes', 'separation_id'] as const;
  const rows = await db
    .selectFrom('vault_case')
    .select(columns)
    .where((where) => where.or([isAmong(db, 'subject_a', subjectIds), isAmong(db, 'subject_b', subjectIds)]))
    .execute();
  return rows.map((row) => ({
    caseId: row.case_id,
    a: row.subject_a,
    b: row.subject_b,
    schemes: schemesOf(row.schemes),
    separationId: row.separation_id,
  }));
}

/** The schemes of a case from their column. */
export function schemesOf(column: string): string[] {
  return column === '' ? [] : column.split(',');
}

function bindingOf(row: Omit<DirectoryTables['vault_binding'], 'sealed'>, names: IndexNames): Binding {
  return {
    index: names.get(row.blind_index) ?? row.blind_index,
    since: row.since,
    until: row.until,
    subjectId: row.subject_id,
    scheme: row.scheme,
    realm: row.realm === '' ? null : row.realm,
    producer: row.producer,
  };
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}
