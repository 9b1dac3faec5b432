import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Kysely, Selectable } from 'kysely';
import type { Speaker } from '@sijill/contracts';
import { ledgerEntry } from '@sijill/event-store';
import { isoTime, newEntryId, PRODUCER_NAME, type Clock, type Config } from '@sijill/platform';
import { looksPersonal } from '@sijill/vault';
import type { AccessChange, AccessSql } from './access-sql.js';
import type { Seals } from './ledger-seals.js';
import type { Producers } from './producers/producers.js';
import type { Acting, Reader } from './reader.js';
import { ROLES, type Role } from './roles.js';
import type { AccessTables } from './tables.js';

export const KEY_CREATED = 'sijill.key.created.v1';
export const KEY_REVOKED = 'sijill.key.revoked.v1';

/** Who is asking, as the key tells. */
export interface Caller extends Reader {
  readonly keyId: string;
  /** The producer that the key speaks for; null without the role producer. */
  readonly producer: Speaker | null;
  /** The id of the recipient that the key answers for; null without the role recipient. */
  readonly recipient: string | null;
}

/** A key that is not accepted, and why: its holder is told what helps. */
export interface KeyNotAccepted {
  readonly refused: string;
}

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  /** The id of whoever holds it: the same for all keys of one name. */
  readonly principal: string;
  readonly roles: readonly Role[];
  readonly producer: string | null;
  readonly recipient: string | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

export interface KeyWanted {
  readonly name: string;
  readonly roles: readonly string[];
  /** With the role producer: whom it speaks for; the key's own name as a producer's, unless given. */
  readonly producer?: string | undefined;
  /** With the role recipient: the id of the recipient that it answers for. */
  readonly recipient?: string | undefined;
  /** From when on it is not accepted; RFC 3339 in UTC with milliseconds. */
  readonly expiresAt?: string | undefined;
}

/** The key's name, roles or what belongs to them cannot be used; the message says why. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused';
}

const NOT_KNOWN: KeyNotAccepted = { refused: 'the key is not known here' };

/**
 * API keys: shown once, stored hashed, checked against the database at each use so that a revocation holds at once. Making and
 * revoking one are entries, decided together with the change.
 */
export class ApiKeys {
  constructor(
    private readonly access: AccessSql,
    private readonly producers: Producers,
    private readonly config: Pick<Config, 'defaultRegion'>,
    private readonly clock: Clock,
    private readonly seals: Seals,
  ) {}

  /**
   * Makes a key. The answer is the only place where it can ever be read. The producer of a key with that role must be registered;
   * in development one of a new name is registered with it.
   *
   * @throws KeyRefused | ProducerRefused
   */
  async create(wanted: KeyWanted, by: Acting): Promise<ApiKey & { key: string }> {
    const { name } = wanted;
    if (!/^[\p{L}\p{N}][\p{L}\p{N} ._/-]{0,63}$/u.test(name))
      throw new KeyRefused(
        'a key needs a name of 1 to 64 letters, digits, spaces, dots, dashes, slashes or underscores',
      );
    const roles = rolesOf(wanted.roles);
    const producer = producerOf(wanted, roles);
    const recipient = this.recipientOf(wanted, roles);
    const expiresAt = this.expiryOf(wanted);
    const secret = randomBytes(32).toString('base64url');
    const made = {
      id: `k${randomBytes(6).toString('hex')}`,
      name,
      roles,
      producer,
      recipient,
      createdAt: isoTime(this.clock.now()),
      expiresAt,
      revokedAt: null,
    };
    const admitted = producer === null ? null : await this.producers.admission(producer, by);
    const tell = await this.telling(KEY_CREATED, by, name);
    const principal = await this.access.change(async (change) => {
      await admitted?.(change);
      const key: ApiKey = { ...made, principal: await principalOf(change, name) };
      await change.trx
        .insertInto('api_key')
        .values({
          id: key.id,
          principal_id: key.principal,
          roles: roles.join(','),
          producer,
          recipient,
          hash: hashOf(secret),
          created_at: key.createdAt,
          expires_at: expiresAt,
          revoked_at: null,
        })
        .execute();
      tell(change, key);
      return key.principal;
    });
    return { ...made, principal, key: `sijill_${made.id}_${secret}` };
  }

  /** All keys, expired and revoked ones too, oldest first. */
  async list(): Promise<ApiKey[]> {
    const rows = await withNames(this.access.sql.reader).orderBy('created_at').orderBy('api_key.id').execute();
    return rows.map(fromRow);
  }

  /** Revokes a key; false when there is no such key. Revoking twice keeps the first time. */
  async revoke(id: string, by: Acting): Promise<boolean> {
    const found = await withNames(this.access.sql.writer).where('api_key.id', '=', id).executeTakeFirst();
    if (found === undefined) return false;
    const tell = await this.telling(KEY_REVOKED, by, found.name);
    await this.access.change(async (change) => {
      const revoked = await change.trx
        .updateTable('api_key')
        .set({ revoked_at: isoTime(this.clock.now()) })
        .where('id', '=', id)
        .where('revoked_at', 'is', null)
        .executeTakeFirst();
      if (revoked.numUpdatedRows > 0n) tell(change, fromRow(found));
    });
    return true;
  }

  /** Whether a principal has a key that is accepted now and may be used for this. */
  async isHeldFor(principal: string, role: Role): Promise<boolean> {
    const rows = await withNames(this.access.sql.reader)
      .where('principal_id', '=', principal)
      .where('revoked_at', 'is', null)
      .execute();
    return rows.map(fromRow).some((key) => key.roles.includes(role) && !this.hasExpired(key));
  }

  /** Who holds this key, and what it may be used for now; or why it is not accepted. Only its holder is told why. */
  async authenticate(key: string): Promise<Caller | KeyNotAccepted> {
    const [, id, secret] = /^sijill_(k[0-9a-f]{12})_([A-Za-z0-9_-]{43})$/.exec(key) ?? [];
    if (id === undefined || secret === undefined) return NOT_KNOWN;
    const row = await withNames(this.access.sql.reader).where('api_key.id', '=', id).executeTakeFirst();
    if (row === undefined) return NOT_KNOWN;
    if (!timingSafeEqual(Buffer.from(row.hash, 'hex'), Buffer.from(hashOf(secret), 'hex'))) return NOT_KNOWN;
    const { name, principal, roles, recipient, revokedAt, expiresAt, ...held } = fromRow(row);
    if (revokedAt !== null) return { refused: `this key was revoked at ${revokedAt}` };
    if (this.hasExpired({ expiresAt })) return { refused: `this key expired at ${expiresAt}; ask for a new one` };
    const producer = held.producer === null ? null : await this.producers.speakerOf(held.producer);
    if (held.producer !== null && producer === null)
      return { refused: `this key speaks for the producer ${held.producer}, which is retired or not registered` };
    return { keyId: id, name, principal, roles, producer, recipient };
  }

  private hasExpired({ expiresAt }: Pick<ApiKey, 'expiresAt'>): boolean {
    return expiresAt !== null && Date.parse(expiresAt) <= this.clock.now();
  }

  /** @throws KeyRefused */
  private recipientOf({ recipient }: KeyWanted, roles: readonly Role[]): string | null {
    const answers = roles.includes('recipient');
    if (recipient === undefined) {
      if (answers) throw new KeyRefused('a key with the role recipient needs the id of the recipient it answers for');
      return null;
    }
    if (!answers) throw new KeyRefused('only a key with the role recipient answers for a recipient');
    if (!/^[\x21-\x7e]{1,128}$/.test(recipient))
      throw new KeyRefused('the id of a recipient is 1 to 128 visible ASCII characters, as events name it');
    if (looksPersonal(recipient, this.config.defaultRegion))
      throw new KeyRefused('the id of a recipient looks like a phone number or an email address; give a code');
    return recipient;
  }

  /** @throws KeyRefused */
  private expiryOf({ expiresAt = null }: { expiresAt?: string | null | undefined }): string | null {
    if (expiresAt !== null && !(Date.parse(expiresAt) > this.clock.now()))
      throw new KeyRefused(`${expiresAt} is not in the future: a key that has expired is of no use`);
    return expiresAt;
  }

  /** The entry of a change to a key. The key's name may be a person's: it stands in the sealed part, or nowhere. */
  private async telling(type: string, by: Acting, name: string): Promise<(change: AccessChange, key: ApiKey) => void> {
    const { principal, reason = null } = by;
    const id = newEntryId();
    const { open, kept } = await this.seals.for(id, { staff: { actor: by.name, name }, ledger: { reason } });
    return ({ tell }, key) => {
      const data = {
        keyId: key.id,
        principalOf: key.principal,
        roles: [...key.roles],
        producer: key.producer,
        recipient: key.recipient,
        expiresAt: key.expiresAt,
        ...open,
      };
      tell(ledgerEntry(type, this.clock.now(), data, { id, principal, ...kept }));
    };
  }
}

/** @throws KeyRefused */
function rolesOf(wanted: readonly string[]): readonly Role[] {
  const unknown = wanted.filter((role) => !ROLES.includes(role as Role));
  if (wanted.length === 0 || unknown.length > 0)
    throw new KeyRefused(`a key needs one or more of the roles ${ROLES.join(', ')}`);
  return ROLES.filter((role) => wanted.includes(role));
}

/** @throws KeyRefused */
function producerOf({ producer, name }: KeyWanted, roles: readonly Role[]): string | null {
  if (roles.includes('producer')) {
    const own = name.toLowerCase().replaceAll(/[ /]+/g, '-');
    if (producer === undefined && !PRODUCER_NAME.test(own))
      throw new KeyRefused(
        "the name of this key cannot be a producer's (a-z, 0-9, . _ -): say which producer it speaks for",
      );
    return producer ?? own;
  }
  if (producer !== undefined) throw new KeyRefused('only a key with the role producer speaks for a producer');
  return null;
}

/** The principal of a name; a new one for a new name. */
async function principalOf({ trx }: AccessChange, name: string): Promise<string> {
  const found = await trx.selectFrom('principal').select('id').where('name', '=', name).executeTakeFirst();
  if (found !== undefined) return found.id;
  const id = `p${randomBytes(6).toString('hex')}`;
  await trx.insertInto('principal').values({ id, name }).execute();
  return id;
}

const withNames = (db: Kysely<AccessTables>) =>
  db
    .selectFrom('api_key')
    .innerJoin('principal', 'principal.id', 'api_key.principal_id')
    .selectAll('api_key')
    .select('principal.name');

function fromRow(row: Selectable<AccessTables['api_key']> & { name: string }): ApiKey {
  return {
    id: row.id,
    name: row.name,
    principal: row.principal_id,
    roles: row.roles.split(',') as Role[],
    producer: row.producer,
    recipient: row.recipient,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
