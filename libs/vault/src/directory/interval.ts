import { ALWAYS, NEVER } from './tables.js';

/** A stretch of time between two cuts: it holds `since`, and not `until`. Milliseconds since the Unix epoch. */
export interface Interval {
  readonly since: number;
  readonly until: number;
}

export function holds({ since, until }: Interval, at: number): boolean {
  return since <= at && at < until;
}

/** The interval in which a moment lies. @param cuts in any order */
export function intervalAt(cuts: readonly number[], at: number): Interval {
  let since = ALWAYS;
  let until = NEVER;
  for (const cut of cuts) {
    if (cut <= at && cut > since) since = cut;
    if (cut > at && cut < until) until = cut;
  }
  return { since, until };
}

/** The interval that ends at a moment, where a cut is or will be. */
export function intervalBefore(cuts: readonly number[], at: number): Interval {
  let since = ALWAYS;
  for (const cut of cuts) if (cut < at && cut > since) since = cut;
  return { since, until: at };
}
