import Database from 'better-sqlite3';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Chance } from './chance.js';

/** A process on the machine. What it still does when it is dead reaches nothing. */
export interface Owner {
  readonly name: string;
  readonly dead: boolean;
}

/** What becomes of one write, or of a commit: `after` means that it was carried out. */
type DiskFault = 'full' | 'fails before' | 'fails after' | 'power before' | 'power after';

interface Image {
  readonly database: Buffer;
  readonly wal: Buffer | null;
}

export const FILES = ['ledger.sqlite', 'vault.sqlite', 'read-models.sqlite'] as const;

const WRITES = /^\s*(insert|update|delete|create|alter|drop|commit)\b/i;

/**
 * One machine with its disk: real SQLite on real files, with what may happen to them in between.
 *
 * A loss of power leaves of a file what was committed under `synchronous=FULL`; of a file that is synced less often it may
 * leave an earlier state. What a connection asks for is taken from the connection itself.
 */
export class Machine {
  private directory: string;
  private losses = 0;
  /** An earlier state of files whose commits are not synced. */
  private readonly kept = new Map<string, Image>();
  /** Of each write, while faults are on. */
  faultRate = 0;
  /** While true there is no room for anything new. */
  full = false;

  constructor(
    private readonly root: string,
    template: string,
    private readonly chance: Chance,
    private readonly onPowerLoss: () => void,
    private readonly note: (line: string) => void,
  ) {
    this.directory = join(root, 'disk-0');
    cpSync(template, this.directory, { recursive: true });
  }

  file(name: (typeof FILES)[number]): string {
    return join(this.directory, name);
  }

  /** Opens a connection for a process. */
  open(file: string, owner: Owner): Database.Database {
    return this.watch(new Database(file), file, owner);
  }

  /** Stands between a connection and its file. */
  watch(db: Database.Database, file: string, owner: Owner): Database.Database {
    return new Proxy(db, {
      get: (target, member) => {
        if (member === 'prepare') return (source: string) => this.prepared(target, source, file, owner);
        // Nobody else runs while a connection waits inside SQLite.
        if (member === 'pragma')
          return (source: string, options?: Database.PragmaOptions) =>
            target.pragma(source.startsWith('busy_timeout') ? 'busy_timeout = 0' : source, options);
        // The last one to close a file moves its log into it and syncs.
        if (member === 'close') this.kept.delete(file);
        const value: unknown = Reflect.get(target, member, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  /** The power goes now. What is left of the files is the disk from here on. */
  losePower(): void {
    const next = join(this.root, `disk-${++this.losses}`);
    mkdirSync(next);
    for (const name of FILES) {
      const file = this.file(name);
      const earlier = this.kept.get(file);
      const image = earlier !== undefined && this.chance.of(0.5) ? earlier : imageOf(file);
      writeFileSync(join(next, name), image.database);
      if (image.wal !== null) writeFileSync(join(next, `${name}-wal`), image.wal);
    }
    this.kept.clear();
    this.directory = next;
    this.onPowerLoss();
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }

  private prepared(db: Database.Database, source: string, file: string, owner: Owner): Database.Statement {
    const statement = db.prepare(source);
    if (!WRITES.test(source)) return statement;
    const run = (...parameters: unknown[]) => this.written(db, source, file, owner, () => statement.run(...parameters));
    return new Proxy(statement, {
      get: (target, member) => {
        if (member === 'run') return run;
        const value: unknown = Reflect.get(target, member, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  private written<T>(db: Database.Database, source: string, file: string, owner: Owner, run: () => T): T {
    if (owner.dead) throw new Database.SqliteError('the process is dead', 'SQLITE_IOERR');
    const fault = this.nextFault(/^\s*commit/i.test(source));
    if (fault !== null) this.note(`${owner.name} disk ${fault}: ${source.slice(0, 24)}`);
    if (fault === 'full') throw new Database.SqliteError('database or disk is full', 'SQLITE_FULL');
    if (fault === 'power before') this.losePower();
    if (fault === 'fails before' || fault === 'power before')
      throw new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_WRITE');
    const result = run();
    if (!db.inTransaction) this.committed(db, file);
    if (fault === 'power after') this.losePower();
    if (fault !== null) throw new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_FSYNC');
    return result;
  }

  private nextFault(committing: boolean): DiskFault | null {
    if (this.full && !committing) return 'full';
    if (!this.chance.of(this.faultRate)) return null;
    return this.chance.pick(['fails before', 'fails after', 'power before', 'power after'] as const);
  }

  private committed(db: Database.Database, file: string): void {
    const syncsEachCommit = Number(db.pragma('synchronous', { simple: true })) >= 2;
    if (syncsEachCommit) this.kept.delete(file);
    else if (this.chance.of(0.2)) this.kept.set(file, imageOf(file));
  }
}

function imageOf(file: string): Image {
  const wal = `${file}-wal`;
  return { database: readFileSync(file), wal: existsSync(wal) ? readFileSync(wal) : null };
}
