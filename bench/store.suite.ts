import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { intakePass } from './embedded-intake.js';
import { measurement, ratioOf, showProgress, type Aim, type Pass, type SuiteResult } from './measure.js';
import { sampleBodies, sampleEvents } from './sample-events.js';
import { appendPart } from './store/append.part.js';
import { Unavailable, type Comparison, type Part, type Sample, type Side, type Sizes } from './store/comparison.js';
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
    const sides = parts.flatMap((part) => part.sides);
    const passes = await inTurn(sides, sizes.rounds, scratch);
    return resultOf(parts, passes, { missing, judged: !quick });
  } finally {
    showProgress('');
    for (const part of parts) await part.close();
    process.off('exit', removeScratch);
    removeScratch();
  }
}

async function inTurn(sides: readonly Side[], rounds: number, scratch: string): Promise<Map<string, Pass[]>> {
  const passes = new Map<string, Pass[]>(sides.map(({ name }) => [name, []]));
  // The first round warms the compiler up.
  for (let i = 0; i < rounds + 1; i++) {
    for (const { name, run } of sides) {
      showProgress(`round ${i} of ${rounds}: ${name}`);
      const folder = join(scratch, 'pass');
      mkdirSync(folder);
      const timed = await run(folder);
      rmSync(folder, { recursive: true });
      if (i > 0) passes.get(name)!.push(timed);
    }
  }
  return passes;
}

function resultOf(
  parts: readonly Part[],
  passes: ReadonlyMap<string, readonly Pass[]>,
  { missing, judged }: { missing: readonly string[]; judged: boolean },
): SuiteResult {
  const ratios: Record<string, number> = {};
  const aims: Aim[] = [];
  for (const { name, over, under, aim } of parts.flatMap((part) => part.comparisons)) {
    const [above, below] = [passes.get(over), passes.get(under)];
    if (above === undefined || below === undefined) continue;
    const ratio = ratioOf(above, below);
    ratios[name] = ratio;
    if (aim !== undefined && judged) aims.push(judge(name, ratio, aim));
  }
  return {
    suite: 'store',
    durability: 'SQLite WAL, synchronous=FULL',
    measurements: [...passes].map(([name, each]) => measurement(name, each)),
    ratios,
    aims,
    notes: [...parts.flatMap((part) => part.notes), ...missing],
  };
}

function judge(ratio: string, value: number, aim: NonNullable<Comparison['aim']>): Aim {
  if ('atLeast' in aim) return { ratio, aim: `≥ ${aim.atLeast}`, met: value >= aim.atLeast };
  return { ratio, aim: `< ${aim.below}`, met: value < aim.below };
}
