import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { benchLedger } from '../embedded-intake.js';
import { pass, type Pass } from '../measure.js';
import type { Part } from '../side-by-side.js';
import type { Sample } from './sample.js';

/** All read models made again from the store, against reading the store and nothing else. */
export async function rebuildPart({ dataDir }: Sample): Promise<Part> {
  const ledger = await benchLedger(dataDir);
  const rebuild = async (): Promise<number> => {
    await ledger.readModels.rebuild(ledger.store);
    return ledger.store.head();
  };
  return {
    sides: [
      { name: 'rebuild', run: () => pass([rebuild]) },
      { name: 'bare scan', run: () => scanPass(join(dataDir, 'ledger.sqlite')) },
    ],
    comparisons: [{ name: 'rebuild / bare scan', over: 'rebuild', under: 'bare scan', aim: { atLeast: 0.3 } }],
    notes: [
      'rebuild: all read models emptied and made again from the store; bare scan: SELECT of the same entries in order, JSON.parse of both texts of each',
    ],
    close: () => ledger.close(),
  };
}

async function scanPass(file: string): Promise<Pass> {
  const db = new Sqlite(file, { readonly: true });
  const rows = db.prepare<[], { data: string; metadata: string }>('select * from entry order by position');
  const scan = (): number => {
    let entries = 0;
    for (const { data, metadata } of rows.iterate()) {
      JSON.parse(data);
      JSON.parse(metadata);
      entries++;
    }
    return entries;
  };
  const timed = await pass([scan]);
  db.close();
  return timed;
}
