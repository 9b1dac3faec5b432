import type { Clock, Config } from '@sijill/platform';
import type { AccessSql } from './access-sql.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What shows people, and is counted for whoever does it. */
export type Counted = 'unseal' | 'breakGlass' | 'lookup';

const WINDOWS = {
  unseal: { ms: HOUR_MS, words: 'entries are opened for one principal in an hour', variable: 'SIJILL_LIMIT_UNSEAL' },
  breakGlass: { ms: DAY_MS, words: 'times in a day one breaks the glass', variable: 'SIJILL_LIMIT_BREAK_GLASS' },
  lookup: { ms: HOUR_MS, words: 'look-ups are made for one principal in an hour', variable: 'SIJILL_LIMIT_LOOKUP' },
} as const;

/** A principal has done something as often as it may for now. Nothing was done. */
export class LimitReached extends Error {
  override readonly name = 'LimitReached';
  /** @param retryAfter in how many seconds it may be tried again; null when no waiting helps */
  constructor(
    what: Counted,
    most: number,
    readonly retryAfter: number | null,
  ) {
    const { words, variable } = WINDOWS[what];
    super(
      retryAfter === null
        ? `nobody may do this here (${variable} is ${most})`
        : `no more than ${most} ${words} (${variable}); try again in ${retryAfter} seconds`,
    );
  }
}

/**
 * How often one principal may do what shows people, whatever keys it has and through whatever process it asks: each time is a row, put
 * in under the one lock of this database before anything is shown. A time that was taken stays taken, also where the process dies behind it.
 */
export class Limits {
  constructor(
    private readonly access: AccessSql,
    private readonly most: Config['readingLimits'],
    private readonly clock: Clock,
  ) {}

  /**
   * Takes one of the times that the principal has.
   *
   * @throws LimitReached
   */
  async take(principal: string, what: Counted): Promise<void> {
    const [most, window] = [this.most[what], WINDOWS[what].ms];
    if (most === 0) throw new LimitReached(what, most, null);
    const retryAfter = await this.access.change(async ({ trx }) => {
      const now = this.clock.now();
      const own = { principal_id: principal, what };
      // Clocks of servers differ a little; one that was set back by more than a window must not lock anybody out until it comes round.
      await trx
        .deleteFrom('principal_use')
        .where('principal_id', '=', own.principal_id)
        .where('what', '=', what)
        .where((where) => where.or([where('at', '<=', now - window), where('at', '>', now + window)]))
        .execute();
      const times = await trx
        .selectFrom('principal_use')
        .select('at')
        .where('principal_id', '=', own.principal_id)
        .where('what', '=', what)
        .orderBy('at', 'desc')
        .limit(most)
        .execute();
      if (times.length >= most) return Math.max(1, Math.ceil((times.at(-1)!.at + window - now) / 1000));
      await trx
        .insertInto('principal_use')
        .values({ ...own, at: now })
        .execute();
      return null;
    });
    if (retryAfter !== null) throw new LimitReached(what, most, retryAfter);
  }
}
