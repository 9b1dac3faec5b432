import { retryWhileBusy } from '@sijill/platform';
import type { DirectoryPorts } from './ports.js';

/**
 * Entries that are decided and not yet in the event store, in the order of their numbers. They are committed with the decision that they
 * tell of; whoever carries them over says so when they are durable there, so that a crash in between loses none.
 */
export class Outbox {
  constructor(private readonly sql: DirectoryPorts['sql']) {}

  /** @param after a number; rows up to it are passed over */
  async pending(after: number, limit: number): Promise<{ readonly number: number; readonly entry: string }[]> {
    return this.sql.reader
      .selectFrom('vault_outbox')
      .select(['number', 'entry'])
      .where('number', '>', after)
      .orderBy('number')
      .limit(limit)
      .execute();
  }

  /** Rows up to this number are in the event store. */
  async done(upTo: number): Promise<void> {
    await retryWhileBusy(() => this.sql.writer.deleteFrom('vault_outbox').where('number', '<=', upTo).execute());
  }
}
