import type { Pass } from '../measure.js';

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

export interface Sizes {
  readonly rounds: number;
  /** Events of the sample; no pass writes more. */
  readonly events: number;
  /** No pass takes up new work after this long. */
  readonly atMostMs: number;
  /** Entries of the ledgers that are asked for histories, ascending; each is a multiple of the first. */
  readonly histories: readonly number[];
  readonly queries: number;
}

/** What all parts start from. */
export interface Sample {
  readonly sizes: Sizes;
  /** The data folder of a closed ledger that holds the sample events, all of them in its read models. */
  readonly dataDir: string;
  /** For files that last as long as the suite. */
  readonly scratch: string;
}
