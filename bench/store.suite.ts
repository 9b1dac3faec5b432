import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { intakePass } from './embedded-intake.js';
import { showProgress, type SuiteResult } from './measure.js';
import { sideBySide, Unavailable, type Part } from './side-by-side.js';
import { sampleBodies, sampleEvents } from './sample-events.js';
import { appendPart } from './store/append.part.js';
import type { Sample, Sizes } from './store/sample.js';
import { emmettPart } from './store/emmett.part.js';
import { historyPart } from './store/history.part.js';
import { intakePart } from './store/intake.part.js';
import { kafkaPart } from './store/kafka.part.js';
import { postgresPart } from './store/postgres.part.js';
import { rebuildPart } from './store/rebuild.part.js';

const FULL: Sizes = {
  rounds: 3,
  events: 20_000,
  atMostMs: 1_500,
  histories: [10_000, 100_000, 1_000_000],
  queries: 1_000,
};
const QUICK: Sizes = { rounds: 1, events: 2_000, atMostMs: 200, histories: [1_000, 10_000], queries: 100 };

const PARTS = {
  append: appendPart,
  intake: intakePart,
  postgres: postgresPart,
  emmett: emmettPart,
  kafka: kafkaPart,
  history: historyPart,
  rebuild: rebuildPart,
} satisfies Record<string, (sample: Sample) => Part | Promise<Part>>;

export type PartName = keyof typeof PARTS;

export const PART_NAMES = Object.keys(PARTS) as PartName[];

/**
 * The store and all around it, beside what else one could do: each side in turn, round by round, and the median of the ratios
 * within the rounds. The controls compare a side with itself: what they are off 1 is the noise of this run.
 *
 * @param only these parts; ratios that need others are left out
 */
export async function storeSuite({
  quick,
  only = PART_NAMES,
}: {
  quick: boolean;
  only?: readonly PartName[];
}): Promise<SuiteResult> {
  const sizes = quick ? QUICK : FULL;
  const scratch = mkdtempSync(join(tmpdir(), 'sijill-bench-'));
  const removeScratch = (): void => rmSync(scratch, { recursive: true, force: true });
  // A million entries are not left behind by Ctrl-C either.
  process.once('exit', removeScratch);
  const parts: Part[] = [];
  const missing: string[] = [];
  try {
    showProgress('a ledger of samples');
    const dataDir = join(scratch, 'sample');
    await intakePass(dataDir, sampleBodies(sampleEvents(sizes.events), 500), { callers: 4, project: true });
    const sample: Sample = { sizes, dataDir, scratch };
    for (const name of only) {
      showProgress(`getting ready: ${name}`);
      try {
        parts.push(await PARTS[name](sample));
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        missing.push(`${name} is left out: ${error.message}`);
      }
    }
    const result = await sideBySide(parts, { rounds: sizes.rounds, scratch, judged: !quick });
    return {
      suite: 'store',
      durability: 'SQLite WAL, synchronous=FULL',
      ...result,
      notes: [...result.notes, ...missing],
    };
  } finally {
    showProgress('');
    for (const part of parts) await part.close();
    process.off('exit', removeScratch);
    removeScratch();
  }
}
