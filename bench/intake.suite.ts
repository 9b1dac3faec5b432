import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FinishedRows } from './bare-insert.js';
import { intakePass, type IntakePass } from './embedded-intake.js';
import { measurement, median, rateOf, ratioOf, showProgress, type Pass, type SuiteResult } from './measure.js';
import { sampleBodies, sampleEvents } from './sample-events.js';

const EVENTS = 20_000;
const BATCH = 500;
const ROUNDS = 5;
const PEOPLE = 2_000;
// As many as keep the writer's thread supplied. One caller alone waits for the disk with every batch.
const CALLERS = 4;

/**
 * The whole intake into the embedded store (JSON text in; decoded, checked, resolved, sealed, appended, synced), against a bare
 * batch insert of the very same rows into the same table at the same durability, in turn, round by round. The table has its
 * triggers, which refuse changes; the insert is measured without them too, for whoever would do without.
 */
export async function intakeSuite({ quick }: { quick: boolean }): Promise<SuiteResult> {
  const rounds = quick ? 1 : ROUNDS;
  const bodies = sampleBodies(sampleEvents(quick ? 2_000 : EVENTS), BATCH);
  const everybody = sampleBodies(sampleEvents(PEOPLE, PEOPLE, 'before'), BATCH);
  const acknowledged: Pass[] = [];
  const visible: Pass[] = [];
  const known: IntakePass[] = [];
  const bare: Pass[] = [];
  const control: Pass[] = [];
  const unguarded: Pass[] = [];
  for (let i = 0; i < rounds + 1; i++) {
    showProgress(`round ${i} of ${rounds}`);
    const folder = mkdtempSync(join(tmpdir(), 'sijill-bench-'));
    const first = await intakePass(join(folder, 'a'), bodies, { callers: CALLERS, project: false });
    const second = await intakePass(join(folder, 'b'), bodies, { callers: CALLERS, project: true });
    const third = await intakePass(join(folder, 'c'), bodies, { callers: CALLERS, project: false, before: everybody });
    const rows = FinishedRows.of(join(folder, 'a', 'ledger.sqlite'));
    // One after the other: two at once would each be timed with the other's work in between.
    const insert = await rows.insert(join(folder, 'first.sqlite'), { batch: BATCH });
    const again = await rows.insert(join(folder, 'second.sqlite'), { batch: BATCH });
    const without = await rows.insert(join(folder, 'third.sqlite'), { batch: BATCH, guarded: false });
    rmSync(folder, { recursive: true });
    // The first round warms the compiler up.
    if (i === 0) continue;
    acknowledged.push(first);
    visible.push(second);
    known.push(third);
    bare.push(insert);
    control.push(again);
    unguarded.push(without);
  }
  showProgress('');
  return {
    suite: 'intake',
    durability: 'SQLite WAL, synchronous=FULL',
    measurements: [
      measurement('intake, acknowledged (batches of 500)', acknowledged),
      measurement('intake, visible in the history', visible),
      measurement('intake of people who are all known', known),
      measurement('bare insert (batches of 500)', bare),
      measurement('bare insert, table without its triggers', unguarded),
    ],
    ratios: {
      'intake / bare insert': ratioOf(acknowledged, bare),
      'intake / bare insert without triggers': ratioOf(acknowledged, unguarded),
      'visible / acknowledged': ratioOf(visible, acknowledged),
      'control: bare insert / bare insert': ratioOf(bare, control),
    },
    aims: [],
    notes: [threadsNote(known, bare)],
  };
}

/** The processor time of an event whose person is known, beside what a bare insert takes here: machines differ. */
function threadsNote(known: readonly IntakePass[], bare: readonly Pass[]): string {
  const costs = known.flatMap(({ threads }) => threads ?? []);
  if (costs.length === 0) return 'processor time of the threads: this system does not tell it';
  const [intake, writer, insert] = [
    median(costs.map((each) => each.intake)),
    median(costs.map((each) => each.writer)),
    1_000_000 / median(bare.map(rateOf)),
  ].map((each) => each.toFixed(1));
  return (
    `processor time of an event of a known person: ${intake} µs on the intake's thread, ${writer} µs on the writer's; ` +
    `a bare insert takes ${insert} µs here`
  );
}
