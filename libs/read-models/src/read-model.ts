import type { Kysely, RawBuilder } from 'kysely';
import type { StoredEntry } from '@sijill/event-store';
import type { SqlDialect } from '@sijill/platform';
import type { Place } from './place.js';
import type { Target } from './target.js';

/** The entries of a batch that a read model has not seen. None of them is foreign: those are no lines anywhere. */
export type Batch = readonly StoredEntry[];

/** What a read model projects: a batch, into its own tables, by what those that it needs have decided about the batch. */
export interface Projection<Tables, Needs extends readonly AnyReadModel[]> {
  readonly target: Target<Tables>;
  readonly batch: Batch;
  /** In the order of `needs`. */
  readonly decided: { readonly [Index in keyof Needs]: DecisionOf<Needs[Index]> };
}

/**
 * A read model: all that the others know of it. It is made, rebuilt and compared as one, stands at a position of its own, and stops
 * alone. It stands in one list (`list.ts`) behind those that it needs; order, waiting and rebuilding follow from `needs`.
 */
export interface ReadModel<Name extends string, Tables, Needs extends readonly AnyReadModel[] = [], Decision = void> {
  readonly name: Name;
  /** Goes up when the tables change: rows of another form are dropped at the next start, and made again from the store. */
  readonly form: number;
  /** What is answered from its tables under names of its own. */
  readonly serves: readonly string[];
  /** Its tables, each with the columns that tell one row from all others; in both dialects they sort the same. */
  readonly tables: { readonly [Table in keyof Tables]: readonly (keyof Tables[Table] & string)[] };
  create(db: Kysely<unknown>, dialect: SqlDialect, place: Place): Promise<void>;
  /** Indexes that no projection needs: a rebuild makes them when the rows are there. */
  indexes(place: Place): RawBuilder<unknown>[];
  /** It is never ahead of these, and is handed what they decide. */
  readonly needs: Needs;
  /** Writes a batch into its tables, and returns what it decided about it. */
  project(projection: Projection<Tables, Needs>): Promise<Decision>;
  /** What it decided about entries that it projected before. */
  recall(db: Kysely<Tables>, batch: Batch): Promise<Decision>;
}

/** Any of them, its types forgotten: for what treats all alike. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyReadModel = ReadModel<string, any, any, any>;

type DecisionOf<Model> =
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  Model extends ReadModel<string, any, any, infer Decision> ? Decision : never;
