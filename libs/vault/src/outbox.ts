import type { VaultSql } from './vault-sql.js';

/** An entry that the vault has decided, and its place among those that it has. */
export interface WaitingEntry {
  readonly number: number;
  /** JSON of `{id, type, data, metadata, sealed?}`. */
  readonly entry: string;
}

/**
 * Entries that are decided, in the order of their numbers, committed with the decision that they tell of. Whoever brings them into the event
 * store sees by its end which it has; so a crash in between loses none, and one that has lost its end is told again.
 */
export class Outbox {
  constructor(private readonly sql: VaultSql['sql']) {}

  /** @param after the number up to which the event store has them */
  async pending(after: number, limit: number): Promise<readonly WaitingEntry[]> {
    return this.sql.reader
      .selectFrom('vault_outbox')
      .select(['number', 'entry'])
      .where('number', '>', after)
      .orderBy('number')
      .limit(limit)
      .execute();
  }
}
