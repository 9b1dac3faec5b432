import { IDENTIFYING_SCHEMES } from '@sijill/contracts';
import { isAmong } from '@sijill/platform';
import { Picture, type Binding, type IdentityCase } from './picture.js';
import type { VaultDb } from '../vault-sql.js';
import type { DirectoryTables } from './tables.js';

const BINDING = ['blind_index', 'since', 'until', 'subject_id', 'scheme', 'realm', 'producer'] as const;

/**
 * Reads the part of the directory that these identifiers and subjects are in: whoever has or had the identifiers, all linked to any of
 * them or of the subjects, with their identifying values and their cases. Seven queries, however many they are.
 */
export async function readPicture(
  db: VaultDb,
  { indexes = [], subjectIds = [] }: { readonly indexes?: readonly string[]; readonly subjectIds?: readonly string[] },
): Promise<Picture> {
  const bindings = await readBindings(db, indexes);
  const named = unique([...subjectIds, ...bindings.map(({ subjectId }) => subjectId)]);
  const personIds = unique((await readPersons(db, named)).map(({ personId }) => personId));
  const subjects = await readMembers(db, personIds);
  const everybody = subjects.map(({ subjectId }) => subjectId);
  const identifying = await readIdentifying(db, everybody);
  const byPlace = new Map([...bindings, ...identifying].map((each) => [`${each.index} ${each.since}`, each]));
  return new Picture({
    bindings: [...byPlace.values()],
    cuts: await readCuts(db, indexes),
    subjects,
    cases: await readCases(db, everybody),
    uses: await readUses(db, indexes),
  });
}

/** All bindings of these identifiers, of whatever time. */
export async function readBindings(db: VaultDb, indexes: readonly string[]): Promise<Binding[]> {
  if (indexes.length === 0) return [];
  const rows = await db
    .selectFrom('vault_binding')
    .select(BINDING)
    .where(isAmong(db, 'blind_index', indexes))
    .execute();
  return rows.map(bindingOf);
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

/** All subjects of these persons. */
export async function readMembers(
  db: VaultDb,
  personIds: readonly string[],
): Promise<{ readonly subjectId: string; readonly personId: string }[]> {
  if (personIds.length === 0) return [];
  return db
    .selectFrom('vault_subject')
    .select(['subject_id as subjectId', 'person_id as personId'])
    .where(isAmong(db, 'person_id', personIds))
    .orderBy('subject_id')
    .execute();
}

export async function readCuts(
  db: VaultDb,
  indexes: readonly string[],
): Promise<{ readonly index: string; readonly at: number }[]> {
  if (indexes.length === 0) return [];
  return db
    .selectFrom('vault_cut')
    .select(['blind_index as index', 'at'])
    .where(isAmong(db, 'blind_index', indexes))
    .execute();
}

/** Who else was named with these identifiers. */
export async function readUses(
  db: VaultDb,
  indexes: readonly string[],
): Promise<{ readonly index: string; readonly subjectId: string }[]> {
  if (indexes.length === 0) return [];
  return db
    .selectFrom('vault_use')
    .select(['blind_index as index', 'subject_id as subjectId'])
    .where(isAmong(db, 'blind_index', indexes))
    .execute();
}

async function readIdentifying(db: VaultDb, subjectIds: readonly string[]): Promise<Binding[]> {
  if (subjectIds.length === 0) return [];
  const rows = await db
    .selectFrom('vault_binding')
    .select(BINDING)
    .where(isAmong(db, 'subject_id', subjectIds))
    .where('scheme', 'in', [...IDENTIFYING_SCHEMES])
    .execute();
  return rows.map(bindingOf);
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

function bindingOf(row: Pick<DirectoryTables['vault_binding'], (typeof BINDING)[number]>): Binding {
  return {
    index: row.blind_index,
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
