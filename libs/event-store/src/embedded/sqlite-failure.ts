import { OutcomeUnknown, StoreFull, StoreRefused, StoreUnavailable } from '../errors.js';

/**
 * Turns a failure of SQLite into the store's own words; every other error passes as it is.
 *
 * @param committing whether the failure came from COMMIT itself. Before it, a failed transaction is rolled back and holds
 *   nothing. In it, the frames may already be in the write-ahead log and the next recovery may find them.
 */
export function storeFailure(error: unknown, committing = false): unknown {
  // By its code alone: the native part keeps the error class of whoever loaded it first in the process, and where a second
  // context (a worker's, a test's) loads it again, its errors are instances of no class known there, not even of Error.
  const { code, message: said } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return error;
  const options = { cause: error };
  const message = `${code}: ${String(said)}`;
  switch (code.split('_')[1]) {
    case 'CORRUPT':
    case 'NOTADB':
    case 'READONLY':
    case 'PERM':
    case 'CONSTRAINT':
      return new StoreRefused(message, options);
    // In a commit too: the frames that got out are not part of the log, and the next commit writes over them.
    case 'FULL':
      return new StoreFull(message, options);
    default:
      return committing ? new OutcomeUnknown(message, options) : new StoreUnavailable(message, options);
  }
}
