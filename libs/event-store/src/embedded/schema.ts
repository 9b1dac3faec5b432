import Database from 'better-sqlite3';
import { StoreRefused } from '../errors.js';

/** "Sjil" in ASCII: marks the file as one of ours, for `file(1)` and for us. */
export const APPLICATION_ID = 0x536a696c;
export const SCHEMA_VERSION = 2;

const BUSY_TIMEOUT_MS = 5_000;
// What another program's long look has let the log grow to is given back when the log begins anew.
const LOG_KEPT_BYTES = 64 * 1024 * 1024;

// INSERT OR REPLACE deletes the row in its way without firing a delete trigger, hence the triggers before INSERT; that of
// entries also keeps revisions without gaps, and positions: after a row at the end of all numbers SQLite would give out any.
// NEW.position is -1 where SQLite is to choose it.
//
// Only sequential keys: an index on random ids would touch a cold page for every entry once the file outgrows memory.
const SCHEMA = `
  CREATE TABLE stream (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE entry (
    position  INTEGER PRIMARY KEY CHECK (position > 0),
    stream_id INTEGER NOT NULL REFERENCES stream (id),
    revision  INTEGER NOT NULL,
    id        TEXT NOT NULL,
    type      TEXT NOT NULL,
    data      TEXT NOT NULL,
    metadata  TEXT NOT NULL,
    UNIQUE (stream_id, revision)
  ) STRICT;
  CREATE TRIGGER stream_stays   BEFORE DELETE ON stream BEGIN SELECT RAISE (ABORT, 'streams are append-only'); END;
  CREATE TRIGGER stream_is_kept BEFORE UPDATE ON stream BEGIN SELECT RAISE (ABORT, 'streams are append-only'); END;
  CREATE TRIGGER stream_is_new  BEFORE INSERT ON stream
    WHEN EXISTS (SELECT 1 FROM stream WHERE id = NEW.id OR name = NEW.name)
    BEGIN SELECT RAISE (ABORT, 'streams are append-only'); END;
  CREATE TRIGGER entry_stays    BEFORE DELETE ON entry BEGIN SELECT RAISE (ABORT, 'entries are append-only'); END;
  CREATE TRIGGER entry_is_kept  BEFORE UPDATE ON entry BEGIN SELECT RAISE (ABORT, 'entries are append-only'); END;
  CREATE TRIGGER entry_is_new   BEFORE INSERT ON entry
    WHEN EXISTS (SELECT 1 FROM entry WHERE position = NEW.position)
      OR NEW.position > 1 + coalesce((SELECT max(position) FROM entry), 0)
      OR NEW.revision <> 1 + coalesce((SELECT max(revision) FROM entry WHERE stream_id = NEW.stream_id), -1)
    BEGIN SELECT RAISE (ABORT, 'entries are append-only'); END;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/**
 * Opens the writing connection and creates the schema in a new file.
 *
 * A crash before the schema's commit leaves an empty database, which the next open takes for new.
 *
 * @throws StoreRefused the file belongs to another application or to a later release
 */
export function openWriting(file: string): Database.Database {
  const db = new Database(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    // Looked at before anything is written: a file that is not ours stays as it was found.
    if (isNew(db, file)) createSchema(db, file);
    // A copy that SQLite itself has made, as backups are, comes without it.
    if (db.pragma('journal_mode', { simple: true }) !== 'wal') db.pragma('journal_mode = WAL');
    db.pragma(`journal_size_limit = ${LOG_KEPT_BYTES}`);
    settle(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens a connection that cannot write, for a file that `openWriting` has opened before. */
export function openReading(file: string): Database.Database {
  const db = new Database(file, { readonly: true, timeout: BUSY_TIMEOUT_MS });
  settle(db);
  return db;
}

// In WAL mode SQLite's usual setting syncs at checkpoints only, and a power loss then takes back commits that were
// acknowledged. Every connection asks for the sync at commit, so that none can be opened without it by mistake.
function settle(db: Database.Database): void {
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
}

function createSchema(db: Database.Database, file: string): void {
  db.pragma('journal_mode = WAL');
  settle(db);
  db.transaction(() => {
    // Another process may have created it while this one waited for the lock.
    if (isNew(db, file)) db.exec(SCHEMA);
  }).immediate();
}

function isNew(db: Database.Database, file: string): boolean {
  const application = db.pragma('application_id', { simple: true });
  const version = Number(db.pragma('user_version', { simple: true }));
  if (application === APPLICATION_ID) {
    if (version === SCHEMA_VERSION) return false;
    if (version === 1)
      throw new StoreRefused(
        `${file} holds a ledger of the first edition, whose entries this release does not read; start with an empty data directory`,
      );
    throw new StoreRefused(`${file} has schema ${version}; this release knows ${SCHEMA_VERSION}`);
  }
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (application !== 0 || version !== 0 || tables !== 0) throw new StoreRefused(`${file} is not an event store`);
  return true;
}
