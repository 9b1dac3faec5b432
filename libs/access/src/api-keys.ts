import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Kysely, Migration } from 'kysely';
import {
  bytewiseText,
  isoTime,
  openSql,
  retryWhileBusy,
  type Clock,
  type Sql,
  type SqlDialect,
  type SqlTarget,
} from '@sijill/platform';
import { ROLES, type Role } from './roles.js';

export interface AccessTables {
  api_key: {
    id: string;
    name: string;
    /** Comma-separated roles. */
    roles: string;
    /** SHA-256 of the key's secret part; the secret is 256 random bits, so a fast hash is enough. */
    hash: string;
    created_at: string;
    revoked_at: string | null;
  };
}

const migrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-24-api-keys': {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .createTable('api_key')
        .ifNotExists()
        .addColumn('id', bytewiseText(dialect) as 'text', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('roles', 'text', (column) => column.notNull())
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('revoked_at', 'text')
        .execute();
    },
  },
});

/** Who is asking, as the key tells. */
export interface Caller {
  readonly keyId: string;
  readonly name: string;
  readonly roles: readonly Role[];
}

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly Role[];
  readonly createdAt: string;
  readonly revokedAt: string | null;
}

/** The key's name or roles cannot be used; the message says why. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused';
}

/** API keys: shown once, stored hashed, checked against the database at each use so that a revocation holds at once. */
export class ApiKeys {
  private constructor(
    private readonly sql: Sql<AccessTables>,
    private readonly clock: Clock,
  ) {}

  /** @throws DatabaseUnavailable */
  static async open(target: SqlTarget, clock: Clock): Promise<ApiKeys> {
    return new ApiKeys(await openSql<AccessTables>(target, { name: 'access', durability: 'full', migrations }), clock);
  }

  /**
   * Makes a key. The answer is the only place where it can ever be read.
   *
   * @throws KeyRefused
   */
  async create(name: string, roles: readonly string[]): Promise<ApiKey & { key: string }> {
    if (!/^[\p{L}\p{N}][\p{L}\p{N} ._/-]{0,63}$/u.test(name)) {
      throw new KeyRefused(
        'a key needs a name of 1 to 64 letters, digits, spaces, dots, dashes, slashes or underscores',
      );
    }
    const unknown = roles.filter((role) => !ROLES.includes(role as Role));
    if (roles.length === 0 || unknown.length > 0) {
      throw new KeyRefused(`a key needs one or more of the roles ${ROLES.join(', ')}`);
    }
    const id = `k${randomBytes(6).toString('hex')}`;
    const secret = randomBytes(32).toString('base64url');
    const createdAt = isoTime(this.clock.now());
    const held = ROLES.filter((role) => roles.includes(role));
    const row = { id, name, roles: held.join(','), hash: hashOf(secret), created_at: createdAt, revoked_at: null };
    await retryWhileBusy(() => this.sql.writer.insertInto('api_key').values(row).execute());
    return { id, name, roles: held, createdAt, revokedAt: null, key: `sijill_${id}_${secret}` };
  }

  /** All keys, revoked ones too, oldest first. */
  async list(): Promise<ApiKey[]> {
    const rows = await this.sql.reader.selectFrom('api_key').selectAll().orderBy('created_at').orderBy('id').execute();
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      roles: row.roles.split(',') as Role[],
      createdAt: row.created_at,
      revokedAt: row.revoked_at,
    }));
  }

  /** Revokes a key; false when there is no such key. Revoking twice keeps the first time. */
  async revoke(id: string): Promise<boolean> {
    const found = await this.sql.writer.selectFrom('api_key').select('id').where('id', '=', id).executeTakeFirst();
    if (found === undefined) return false;
    const revoked = this.sql.writer
      .updateTable('api_key')
      .set({ revoked_at: isoTime(this.clock.now()) })
      .where('id', '=', id)
      .where('revoked_at', 'is', null);
    await retryWhileBusy(() => revoked.execute());
    return true;
  }

  /** Who holds this key; null when it is none of ours, or revoked. */
  async authenticate(key: string): Promise<Caller | null> {
    const [, id, secret] = /^sijill_(k[0-9a-f]{12})_([A-Za-z0-9_-]{43})$/.exec(key) ?? [];
    if (id === undefined || secret === undefined) return null;
    const row = await this.sql.reader.selectFrom('api_key').selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined || row.revoked_at !== null) return null;
    const matches = timingSafeEqual(Buffer.from(row.hash, 'hex'), Buffer.from(hashOf(secret), 'hex'));
    return matches ? { keyId: row.id, name: row.name, roles: row.roles.split(',') as Role[] } : null;
  }

  async close(): Promise<void> {
    await this.sql.close();
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
