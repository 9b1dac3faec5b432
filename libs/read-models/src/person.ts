import type { Kysely } from 'kysely';
import { timelineRows } from './activity-timeline/query.js';
import type { ReadModelTables } from './tables.js';

/** Who is asked about. */
export interface AboutPerson {
  readonly subjectId: string;
  /** With all that are linked to it; else this one alone. */
  readonly linked: boolean;
}

/** Who is who, as the vault's directory says. */
export interface People {
  readonly directory: {
    person(subjectId: string): Promise<{ readonly linked: readonly string[]; readonly openConflicts: number } | null>;
  };
}

export interface Person {
  /** That which was asked about first. */
  readonly subjectIds: readonly string[];
  readonly openConflicts: number;
}

/**
 * The subjects whose entries are one person's. Null: the ledger knows no such subject. One that the vault does not know any more is
 * known by what the ledger holds of it: it was erased, and nobody is linked to it.
 */
export async function personOf(
  db: Kysely<ReadModelTables>,
  { directory }: People,
  { subjectId, linked }: AboutPerson,
): Promise<Person | null> {
  const person = await directory.person(subjectId);
  if (person !== null)
    return { subjectIds: linked ? [subjectId, ...person.linked] : [subjectId], openConflicts: person.openConflicts };
  const { rows } = await timelineRows(db, { subjectIds: [subjectId] }, { limit: 1, cursor: null });
  return rows.length > 0 ? { subjectIds: [subjectId], openConflicts: 0 } : null;
}
