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
