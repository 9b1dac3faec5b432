import type { Kysely } from 'kysely';

/** Where the rows of one transaction go: into the live tables, or into those that a rebuild fills beside them. */
export interface Target<Tables> {
  /** The tables under their live names, wherever they are. */
  readonly db: Kysely<Tables>;
  insert<Table extends keyof Tables & string>(table: Table, rows: readonly Tables[Table][]): Promise<void>;
  /** Inserts the rows whose key is not there, leaves the others as they are, and returns how many were inserted. */
  insertNew<Table extends keyof Tables & string>(table: Table, rows: readonly Tables[Table][]): Promise<number>;
}
