import type { OutboxSource } from '@sijill/event-store';
import type { Clock, Config, LedgerPart, SqlTarget } from '@sijill/platform';
import { AccessSql } from './access-sql.js';
import { ApiKeys } from './api-keys.js';
import { Limits } from './limits.js';
import { NO_SEALS, type Seals } from './ledger-seals.js';
import { Producers } from './producers/producers.js';

/** Keys and producers of one ledger, and the entries of their changes that are not in the ledger yet. */
export class Access {
  readonly producers: Producers;
  readonly keys: ApiKeys;
  /** For the lane of these entries: whoever has the store open writes what waits here. */
  readonly outbox: OutboxSource;
  /** Whose database this is. */
  readonly part: LedgerPart;

  private constructor(
    private readonly sql: AccessSql,
    config: Pick<Config, 'mode' | 'defaultRegion'>,
    private readonly clock: Clock,
    seals: Seals,
  ) {
    this.outbox = sql;
    this.part = sql.part;
    this.producers = new Producers(sql, config, clock, seals);
    this.keys = new ApiKeys(sql, this.producers, config, clock, seals);
  }

  /**
   * Needs neither store nor vault: keys are made before the first start. Without the vault's seals the entries name nobody.
   *
   * @throws DatabaseUnavailable
   */
  static async open(
    target: SqlTarget,
    config: Pick<Config, 'mode' | 'defaultRegion'>,
    clock: Clock,
    seals: Seals = NO_SEALS,
  ): Promise<Access> {
    return new Access(await AccessSql.open(target, clock), config, clock, seals);
  }

  /** See `AccessSql.assertReached`. @throws PartBehind */
  assertReached(number: number): Promise<void> {
    return this.sql.assertReached(number);
  }

  /** The number of its last change. */
  last(): Promise<number> {
    return this.sql.last();
  }

  /** See `AccessSql.goOnBehind`. */
  goOnBehind(number: number): Promise<void> {
    return this.sql.goOnBehind(number);
  }

  /** See `AccessSql.vaultEpoch`. */
  vaultEpoch(): Promise<number> {
    return this.sql.vaultEpoch();
  }

  /** See `AccessSql.noteVaultEpoch`. */
  noteVaultEpoch(epoch: number): Promise<void> {
    return this.sql.noteVaultEpoch(epoch);
  }

  /** See `AccessSql.forgetVaultEpoch`. */
  forgetVaultEpoch(): Promise<void> {
    return this.sql.forgetVaultEpoch();
  }

  /** What each principal may do so often and no oftener. */
  limits(most: Config['readingLimits']): Limits {
    return new Limits(this.sql, most, this.clock);
  }

  async close(): Promise<void> {
    await this.sql.close();
  }
}
