import { workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';

/** Source and target file. */
export interface VacuumOrder {
  readonly from: string;
  readonly to: string;
}

// One read transaction: a snapshot, whatever is written meanwhile, and writers do not wait for it. It blocks its thread from
// beginning to end, and so has one.
const { from, to } = workerData as VacuumOrder;
const db = new Sqlite(from, { readonly: true, fileMustExist: true });
try {
  db.prepare('VACUUM INTO ?').run(to);
} finally {
  db.close();
}
