import type { Recorded } from './log-file.js';

/** What a stream's metadata hides of it. */
export interface Truncation {
  readonly truncateBefore: number;
  readonly maxCount: number;
  readonly maxAgeMs: number;
}

/** A metadata stream keeps its newest event only, and has no metadata itself. */
export const METADATA_STREAM: Truncation = { truncateBefore: 0, maxCount: 1, maxAgeMs: Infinity };

export function truncationIn(metadata: Record<string, unknown>): Truncation {
  const positive = (value: unknown, otherwise: number) => (typeof value === 'number' && value > 0 ? value : otherwise);
  return {
    truncateBefore: positive(metadata['$tb'], 0),
    maxCount: positive(metadata['$maxCount'], Infinity),
    maxAgeMs: positive(metadata['$maxAge'], Infinity) * 1000,
  };
}

/** What a soft delete leaves: everything is before it. */
export function hidesAll({ truncateBefore }: Truncation): boolean {
  return truncateBefore >= 2 ** 62;
}

/** What is left of a stream's events at a time. */
export function shown(events: readonly Recorded[], truncation: Truncation, nowMs: number): readonly Recorded[] {
  const { truncateBefore, maxCount, maxAgeMs } = truncation;
  const last = Number(events.at(-1)?.revision ?? -1n);
  const first = Math.max(truncateBefore, last + 1 - maxCount, 0);
  const recent = first === 0 ? events : fromRevision(events, BigInt(Math.ceil(Math.min(first, last + 1))));
  if (maxAgeMs === Infinity) return recent;
  const oldest = BigInt(nowMs - maxAgeMs) * 10_000n;
  return recent.filter((event) => event.created >= oldest);
}

/** The events from a revision on. What lies before may be scavenged, so a revision is no index. */
export function fromRevision(events: readonly Recorded[], revision: bigint): readonly Recorded[] {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle] as Recorded).revision < revision) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? events : events.slice(low);
}
