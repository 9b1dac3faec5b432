import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { measurement, ratioOf, showProgress, type Aim, type Pass, type SuiteResult } from './measure.js';

/** One of those that are compared. */
export interface Side {
  readonly name: string;
  /** One timed pass. The folder is new and empty, and is removed afterwards. */
  run(folder: string): Promise<Pass>;
}

/** A ratio of two sides' rates, and what it should be. */
export interface Comparison {
  readonly name: string;
  /** Names of sides; of other parts too. Without one of them there is no ratio. */
  readonly over: string;
  readonly under: string;
  readonly aim?: { readonly atLeast: number } | { readonly below: number };
}

/** Sides that share what they run on. */
export interface Part {
  readonly sides: readonly Side[];
  readonly comparisons: readonly Comparison[];
  /** What the sides do, for whoever reads the figures. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

/** What a part compares with cannot be had here; the others go on without it. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
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

/**
 * Runs all sides in turn, round by round, and takes the median of the ratios within the rounds.
 *
 * @param judged whether the sizes are such that an aim can be met or missed
 */
export async function sideBySide(
  parts: readonly Part[],
  { rounds, scratch, judged }: { rounds: number; scratch: string; judged: boolean },
): Promise<Pick<SuiteResult, 'measurements' | 'ratios' | 'aims' | 'notes'>> {
  const passes = await inTurn(
    parts.flatMap((part) => part.sides),
    rounds,
    scratch,
  );
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
    measurements: [...passes].map(([name, each]) => measurement(name, each)),
    ratios,
    aims,
    notes: parts.flatMap((part) => part.notes),
  };
}

function judge(ratio: string, value: number, aim: NonNullable<Comparison['aim']>): Aim {
  if ('atLeast' in aim) return { ratio, aim: `≥ ${aim.atLeast}`, met: value >= aim.atLeast };
  return { ratio, aim: `< ${aim.below}`, met: value < aim.below };
}
