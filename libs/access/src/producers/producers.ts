import type { Kysely, Selectable } from 'kysely';
import type { Speaker } from '@sijill/contracts';
import { ledgerEntry, type NewEntry } from '@sijill/event-store';
import { isoTime, newEntryId, type Clock, type Config } from '@sijill/platform';
import type { AccessChange, AccessSql } from '../access-sql.js';
import type { Acting } from '../reader.js';
import type { Seals } from '../ledger-seals.js';
import type { AccessTables } from '../tables.js';
import {
  checkedTerms,
  DEFAULT_REALM,
  PRODUCER_CHANGED,
  PRODUCER_REGISTERED,
  PRODUCER_RETIRED,
  producerName,
  ProducerRefused,
  speakerFrom,
  type Producer,
  type ProducerTerms,
} from './producer.js';

/** The registry of producers: who may say what. Each change of it is an entry, decided together with the change. */
export class Producers {
  constructor(
    private readonly access: AccessSql,
    private readonly config: Pick<Config, 'mode' | 'defaultRegion'>,
    private readonly clock: Clock,
    private readonly seals: Seals,
  ) {}

  /**
   * Registers a producer: any source, the realm `default`, no right to link, unless the terms say otherwise.
   *
   * @throws ProducerRefused
   */
  async add(name: string, terms: ProducerTerms, by: Acting): Promise<Producer> {
    producerName(name);
    const { sources = [], realm = DEFAULT_REALM, mayLink = false } = checkedTerms(terms, this.config.defaultRegion);
    const told = await this.told(PRODUCER_REGISTERED, by);
    return this.access.change(async (change) => {
      const found = await this.lookUp(change.trx, name);
      if (found !== null)
        throw new ProducerRefused(
          'taken',
          found.retiredAt === null
            ? `a producer ${name} is registered already; change it with "sijill producers change ${name}"`
            : `${name} is the name of a producer that was retired; its entries stay under that name, so take another`,
        );
      return this.insert(change, { name, sources, realm, mayLink }, told);
    });
  }

  /**
   * Changes what a producer may say from now on. What the terms leave out stays; where nothing would change, nothing is written.
   *
   * @throws ProducerRefused
   */
  async change(name: string, terms: ProducerTerms, by: Acting): Promise<Producer> {
    const wanted = checkedTerms(terms, this.config.defaultRegion);
    const told = await this.told(PRODUCER_CHANGED, by);
    return this.access.change(async ({ trx, tell }) => {
      const before = await this.standing(trx, name);
      const { sources = before.sources, realm = before.realm, mayLink = before.mayLink } = wanted;
      const after: Producer = { ...before, sources, realm, mayLink };
      if (JSON.stringify(after) === JSON.stringify(before)) return before;
      await trx
        .updateTable('producer')
        .set({ sources: JSON.stringify(sources), realm, may_link: mayLink ? 1 : 0 })
        .where('name', '=', name)
        .execute();
      tell(told(after));
      return after;
    });
  }

  /**
   * Retires a producer for good: its keys are refused and what its topics carry is quarantined, from now on.
   *
   * @throws ProducerRefused
   */
  async retire(name: string, by: Acting): Promise<Producer> {
    const told = await this.told(PRODUCER_RETIRED, by);
    return this.access.change(async ({ trx, tell }) => {
      const after: Producer = { ...(await this.standing(trx, name)), retiredAt: isoTime(this.clock.now()) };
      await trx.updateTable('producer').set({ retired_at: after.retiredAt }).where('name', '=', name).execute();
      tell(told(after));
      return after;
    });
  }

  /** All producers, retired ones too, by name. */
  async list(): Promise<Producer[]> {
    const rows = await this.access.sql.reader.selectFrom('producer').selectAll().orderBy('name').execute();
    return rows.map(fromRow);
  }

  /** What a producer may say; null where there is none of that name, or it is retired. Asked anew each time. */
  async speakerOf(name: string): Promise<Speaker | null> {
    const found = await this.lookUp(this.access.sql.reader, name);
    return found === null ? null : speakerFrom(found);
  }

  /**
   * What a producer may say that somebody wants to speak for. In development one of a new name is registered at once (any source,
   * the realm `default`, may link); in production it must be there.
   *
   * @throws ProducerRefused
   */
  async admit(name: string, by: Acting): Promise<Speaker> {
    return (await this.speakerOf(name)) ?? this.access.change(await this.admission(name, by));
  }

  /** `admit` as a part of another change. */
  async admission(name: string, by: Acting): Promise<(change: AccessChange) => Promise<Speaker>> {
    producerName(name);
    const told = await this.told(PRODUCER_REGISTERED, by);
    return async (change) => {
      const found = await this.lookUp(change.trx, name);
      if (found === null && this.config.mode === 'development') {
        const made = await this.insert(change, { name, sources: [], realm: DEFAULT_REALM, mayLink: true }, told);
        return speakerFrom(made)!;
      }
      return speakerFrom(await this.standing(change.trx, name))!;
    };
  }

  private async insert(
    { trx, tell }: AccessChange,
    wanted: Pick<Producer, 'name' | 'sources' | 'realm' | 'mayLink'>,
    told: Told,
  ): Promise<Producer> {
    const made: Producer = { ...wanted, createdAt: isoTime(this.clock.now()), retiredAt: null };
    const { name, sources, realm, mayLink, createdAt } = made;
    await trx
      .insertInto('producer')
      .values({
        name,
        sources: JSON.stringify(sources),
        realm,
        may_link: mayLink ? 1 : 0,
        created_at: createdAt,
        retired_at: null,
      })
      .execute();
    tell(told(made));
    return made;
  }

  /** @throws ProducerRefused unknown, retired */
  private async standing(db: Kysely<AccessTables>, name: string): Promise<Producer> {
    const found = await this.lookUp(db, name);
    if (found === null)
      throw new ProducerRefused(
        'unknown',
        `no producer ${name} is registered; register it with "sijill producers add ${name}"`,
      );
    if (found.retiredAt !== null)
      throw new ProducerRefused('retired', `the producer ${name} was retired at ${found.retiredAt}, which is for good`);
    return found;
  }

  private async lookUp(db: Kysely<AccessTables>, name: string): Promise<Producer | null> {
    const row = await db.selectFrom('producer').selectAll().where('name', '=', name).executeTakeFirst();
    return row === undefined ? null : fromRow(row);
  }

  /** The entry of a change, all but what it came to: sealed before the change begins, for its work may be run again. */
  private async told(type: string, by: Acting): Promise<Told> {
    const { name: actor, principal, reason = null } = by;
    const id = newEntryId();
    const { open, kept } = await this.seals.for(id, { staff: { actor }, ledger: { reason } });
    return ({ name, sources, realm, mayLink }) =>
      ledgerEntry(
        type,
        this.clock.now(),
        { producer: name, sources: [...sources], realm, mayLink, ...open },
        { id, principal, ...kept },
      );
  }
}

type Told = (producer: Producer) => NewEntry;

function fromRow(row: Selectable<AccessTables['producer']>): Producer {
  return {
    name: row.name,
    sources: JSON.parse(row.sources) as string[],
    realm: row.realm,
    mayLink: row.may_link === 1,
    createdAt: row.created_at,
    retiredAt: row.retired_at,
  };
}
