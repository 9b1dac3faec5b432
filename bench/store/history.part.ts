import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Ledger } from '@sijill/ledger';
import { disclosureHistory, openingWith } from '@sijill/read-models';
import { namedIdentifier, type NamedIdentifier } from '@sijill/vault';
import { benchLedger, intakePass } from '../embedded-intake.js';
import { pass, type Pass } from '../measure.js';
import { sampleBodies, sampleEvents } from '../sample-events.js';
import type { Part, Side } from '../side-by-side.js';
import type { Sample } from './sample.js';

/** Everybody has as many disclosures in every ledger; only how many other people there are differs. */
const DISCLOSURES_EACH = 20;

interface Grown {
  readonly entries: number;
  readonly ledger: Ledger;
  readonly people: readonly NamedIdentifier[];
}

/** One person's history, asked for in ledgers of different sizes. */
export async function historyPart({ sizes: { histories, queries, atMostMs }, scratch }: Sample): Promise<Part> {
  const [base = 0] = histories;
  const grown: Grown[] = [];
  for (const entries of histories) grown.push(await grow(join(scratch, `history-${entries}`), base, entries));
  const sideName = (entries: number): string => `history query, ${entries.toLocaleString('en')} entries`;
  const side = ({ entries, ledger, people }: Grown): Side => ({
    name: sideName(entries),
    run: () => queryPass(ledger, people, queries, atMostMs),
  });
  const largest = histories.at(-1)!;
  return {
    sides: grown.map(side),
    comparisons: histories.slice(1).map((entries) => ({
      name: `history query: time at ${entries.toLocaleString('en')} / at ${base.toLocaleString('en')} entries`,
      over: sideName(base),
      under: sideName(entries),
      ...(entries === largest ? { aim: { below: 2 } } : {}),
    })),
    notes: [
      `history query: from an identifier to the first page, ${DISCLOSURES_EACH} disclosures, of people all over the ledger; the rate is that of disclosures shown; larger ledgers are the first one's rows again, under other people`,
    ],
    close: async () => {
      for (const { ledger } of grown) await ledger.close();
    },
  };
}

/** A ledger of `base` entries taken in as always, and multiplied in its read models. */
async function grow(dataDir: string, base: number, entries: number): Promise<Grown> {
  const bodies = sampleBodies(sampleEvents(base, base / DISCLOSURES_EACH), 500);
  await intakePass(dataDir, bodies, { callers: 4, project: true });
  const ledger = await benchLedger(dataDir);
  const readModels = new Sqlite(join(dataDir, 'read-models.sqlite'));
  const originals = readModels.prepare('select distinct subject_id from activity').pluck().all() as string[];
  readModels.pragma('synchronous = OFF');
  readModels.pragma('cache_size = -400000');
  readModels.exec('create temp table copy (generation integer, original text, subject text)');
  const addCopy = readModels.prepare('insert into copy values (?, ?, ?)');
  // The others are nobody: it is the people of the first ledger who are asked about, whatever lies around them.
  for (let generation = 1; generation < entries / base; generation++)
    readModels.transaction(() => originals.forEach((original) => addCopy.run(generation, original, randomUUID())))();
  for (const table of ['entry', 'activity']) multiply(readModels, table, base);
  readModels.prepare('update projection set position = ?').run(entries);
  readModels.pragma('wal_checkpoint(TRUNCATE)');
  readModels.close();
  const people = originals.map(
    (_, i) => namedIdentifier({ scheme: 'account', value: `acc-${i}` }, 'SA') as NamedIdentifier,
  );
  return { entries, ledger, people };
}

function multiply(db: Sqlite.Database, table: string, base: number): void {
  const columns = (db.pragma(`table_info(${table})`) as { name: string }[]).map(({ name }) => name);
  const copied = columns.map((column) => {
    if (column === 'subject_id') return 'copy.subject';
    if (column === 'position') return `position + generation * ${base}`;
    if (column === 'entry_id' || column === 'tag') return `${column} || '-' || generation`;
    return column;
  });
  db.exec(
    `insert into ${table} (${columns.join(', ')}) select ${copied.join(', ')}
     from copy cross join ${table} on ${table}.subject_id = copy.original where position <= ${base}`,
  );
}

async function queryPass(
  ledger: Ledger,
  people: readonly NamedIdentifier[],
  queries: number,
  atMostMs: number,
): Promise<Pass> {
  const calls = Array.from({ length: queries }, (_, i) => async () => {
    // A stride with no common divisor goes all over the ledger.
    const found = await ledger.vault.directory.lookUp(people[(i * 7919) % people.length]!);
    await ledger.readModels.freshAsOf('activity-timeline');
    const page = { limit: DISCLOSURES_EACH, cursor: null };
    const filter = { subjectIds: [found!.subjectId, ...found!.linked] };
    const opener = openingWith(ledger.vault.secrets);
    const { items } = await disclosureHistory(ledger.readModels.sql.reader, opener, filter, page);
    if (items.length !== DISCLOSURES_EACH) throw new Error(`a history of ${items.length} disclosures`);
    return items.length;
  });
  return pass(calls, { atMostMs });
}
