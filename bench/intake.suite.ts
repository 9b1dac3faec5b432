import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Lane } from '@sijill/event-store';
import { decodeJson, HttpIntake } from '@sijill/intake';
import { openLedger, type Ledger } from '@sijill/ledger';
import { createLogger, parseConfig } from '@sijill/platform';
import { Projector } from '@sijill/read-models';
import { measurement, median, pass, rateOf, round, type Pass, type SuiteResult } from './measure.js';
import { sampleEvents } from './sample-events.js';

const EVENTS = 20_000;
const BATCH = 500;
const ROUNDS = 5;
// As many as keep the writer's thread supplied. One caller alone waits for the disk with every batch.
const CALLERS = 4;

/**
 * The whole intake into the embedded store (JSON text in; decoded, checked, resolved, sealed, appended, synced), against a bare
 * batch insert of the very same rows into the same table at the same durability, in turn, round by round. The table has its
 * triggers, which refuse changes; the insert is measured without them too, for whoever would do without.
 */
export async function intakeSuite(): Promise<SuiteResult> {
  const bodies = [...batches(sampleEvents(EVENTS))];
  const acknowledged: Pass[] = [];
  const visible: Pass[] = [];
  const bare: Pass[] = [];
  const control: Pass[] = [];
  const unguarded: Pass[] = [];
  for (let i = 0; i < ROUNDS + 1; i++) {
    process.stderr.write(`\rround ${i} of ${ROUNDS}`);
    const folder = mkdtempSync(join(tmpdir(), 'sijill-bench-'));
    const first = await intakePass(join(folder, 'a'), bodies, { callers: CALLERS, project: false });
    const second = await intakePass(join(folder, 'b'), bodies, { callers: CALLERS, project: true });
    // One after the other: two at once would each be timed with the other's work in between.
    const insert = await barePass(join(folder, 'a', 'ledger.sqlite'), folder, 'first', true);
    const again = await barePass(join(folder, 'a', 'ledger.sqlite'), folder, 'second', true);
    const without = await barePass(join(folder, 'a', 'ledger.sqlite'), folder, 'third', false);
    rmSync(folder, { recursive: true });
    // The first round warms the compiler up.
    if (i === 0) continue;
    acknowledged.push(first);
    visible.push(second);
    bare.push(insert);
    control.push(again);
    unguarded.push(without);
  }
  process.stderr.write('\n');
  const ratio = (over: readonly Pass[], under: readonly Pass[]): number =>
    round(median(over.map((each, i) => rateOf(each) / rateOf(under[i]!))));
  return {
    durability: 'SQLite WAL, synchronous=FULL',
    measurements: [
      measurement('intake, acknowledged (batches of 500)', acknowledged),
      measurement('intake, visible in the history', visible),
      measurement('bare insert (batches of 500)', bare),
      measurement('bare insert, table without its triggers', unguarded),
    ],
    ratios: {
      'intake / bare insert': ratio(acknowledged, bare),
      'intake / bare insert without triggers': ratio(acknowledged, unguarded),
      'visible / acknowledged': ratio(visible, acknowledged),
      'control: bare insert / bare insert': ratio(bare, control),
    },
  };
}

async function intakePass(
  dataDir: string,
  bodies: readonly Buffer[],
  { callers, project }: { callers: number; project: boolean },
): Promise<Pass> {
  const config = parseConfig({ SIJILL_DATA_DIR: dataDir, SIJILL_LOG_LEVEL: 'silent' });
  const ledger = await openLedger(config, { logger: createLogger('silent'), ownLane: 'ledger-bench' });
  const lane = await Lane.open(ledger.store, 'ledger-http-bench', { onForeignWrite: 'stop', whenFull: 'refuse' });
  const context = { limits: config.limits, defaultRegion: config.defaultRegion, nodeId: 'bench' };
  const intake = new HttpIntake(lane, ledger.maker, ledger.seen, ledger.clock, context, ledger.metrics);
  const projector = new Projector(ledger.store, ledger.readModels, ledger.metrics, ledger.logger);
  if (project) projector.start();
  let position = 0;
  const calls = bodies.map((body) => async () => {
    const decoded = decodeJson(body) as { value: unknown[] };
    const answer = await intake.accept({ events: decoded.value, bytes: body.length, producer: 'bench' });
    if (answer.rejected.length > 0)
      throw new Error(`the bench sends what the intake refuses: ${JSON.stringify(answer.rejected[0])}`);
    position = Math.max(position, answer.position);
    return answer.accepted.length;
  });
  const timed = await pass(calls, {
    callers,
    ...(project ? { settle: () => untilVisible(ledger, position) } : {}),
  });
  await projector.stop();
  await ledger.close();
  return timed;
}

async function untilVisible(ledger: Ledger, position: number): Promise<void> {
  const { position: reached } = await ledger.readModels.waitFor(position, 120_000);
  if (reached < position) throw new Error('the read models did not get there in two minutes');
}

/** The rows that an intake pass has written, inserted again with nothing around it. */
async function barePass(ledgerFile: string, folder: string, name: string, guarded: boolean): Promise<Pass> {
  const source = new Sqlite(ledgerFile, { readonly: true });
  const rows = source.prepare('select * from entry order by position').all() as Record<string, unknown>[];
  const schema = source
    .prepare(
      "select type, sql from sqlite_master where tbl_name in ('entry', 'stream') and sql is not null order by type = 'trigger'",
    )
    .all() as { type: string; sql: string }[];
  const streams = source.prepare('select * from stream').all() as Record<string, unknown>[];
  source.close();
  const target = new Sqlite(join(folder, `${name}.sqlite`));
  target.pragma('journal_mode = WAL');
  target.pragma('synchronous = FULL');
  target.pragma('foreign_keys = OFF');
  for (const { type, sql } of schema) if (guarded || type !== 'trigger') target.exec(sql);
  const columns = Object.keys(rows[0]!);
  const insertInto = (table: string, names: readonly string[]): Sqlite.Statement =>
    target.prepare(
      `insert into ${table} (${names.join(', ')}) values (${names.map((column) => `@${column}`).join(', ')})`,
    );
  for (const stream of streams) insertInto('stream', Object.keys(stream)).run(stream);
  const insert = insertInto('entry', columns);
  const insertAll = target.transaction((batch: readonly Record<string, unknown>[]) => {
    for (const row of batch) insert.run(row);
    return batch.length;
  });
  const calls = Array.from(
    { length: Math.ceil(rows.length / BATCH) },
    (_, i) => () => insertAll(rows.slice(i * BATCH, (i + 1) * BATCH)),
  );
  const timed = await pass(calls);
  target.close();
  return timed;
}

function* batches(events: Iterable<object>): Generator<Buffer> {
  let batch: object[] = [];
  for (const event of events) {
    batch.push(event);
    if (batch.length < BATCH) continue;
    yield Buffer.from(JSON.stringify(batch));
    batch = [];
  }
}
