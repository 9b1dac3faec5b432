import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { DatabaseUnavailable, type SqlTarget } from './sql.js';

/** Something that one process at a time may have. Whoever dies has it no longer: nothing runs out, no clock is asked. */
export interface Claim {
  /**
   * Takes it, if nobody else has it.
   *
   * @param onLost called once if it is lost before it is given back: the connection that held it broke
   * @returns whether it is held now
   * @throws DatabaseUnavailable
   */
  take(onLost: () => void): Promise<boolean>;

  /** Gives it back. */
  release(): Promise<void>;
}

/**
 * A claim that all processes with the same target and name compete for: a lock on a file of its own, or an advisory lock in the
 * PostgreSQL database. Both end with their holder.
 */
export function claimOf(target: SqlTarget, name: string): Claim {
  return target.kind === 'sqlite' ? new FileClaim(target.file) : new DatabaseClaim(target.url, name);
}

class FileClaim implements Claim {
  #locked: Sqlite.Database | null = null;

  constructor(private readonly file: string) {}

  async take(): Promise<boolean> {
    if (this.#locked !== null) return true;
    let database: Sqlite.Database | undefined;
    try {
      mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
      database = new Sqlite(this.file, { timeout: 0 });
      database.exec('BEGIN EXCLUSIVE');
      this.#locked = database;
      return true;
    } catch (error) {
      database?.close();
      if (String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) return false;
      throw new DatabaseUnavailable(`${this.file} cannot be locked`, { cause: error });
    }
  }

  async release(): Promise<void> {
    this.#locked?.close();
    this.#locked = null;
  }
}

class DatabaseClaim implements Claim {
  #holding: pg.Client | null = null;

  constructor(
    private readonly url: string,
    private readonly name: string,
  ) {}

  async take(onLost: () => void): Promise<boolean> {
    if (this.#holding !== null) return true;
    // A connection of its own: the lock is its session's.
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 10_000, keepAlive: true });
    const lost = (): void => {
      if (this.#holding !== client) return;
      this.#holding = null;
      void client.end().catch(() => undefined);
      onLost();
    };
    client.on('error', lost);
    client.on('end', lost);
    try {
      await client.connect();
      const { rows } = await client.query<{ taken: boolean }>(
        'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken',
        [this.name],
      );
      if (rows[0]?.taken === true) this.#holding = client;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw new DatabaseUnavailable('a lock cannot be asked for', { cause: error });
    }
    if (this.#holding === client) return true;
    await client.end();
    return false;
  }

  async release(): Promise<void> {
    const client = this.#holding;
    this.#holding = null;
    await client?.end();
  }
}
