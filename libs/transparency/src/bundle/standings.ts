import type { LeafEntry } from '../leaf-entry.js';
import type { ProvenEntry } from './verify-accounting-proof.js';

/** How an entry stands among those of its person that have its event's identity. `null`: it counts as nothing. */
export type LeafStanding = 'first' | 'conflict' | null;

/**
 * Tells which entries count, in the order of the log. An event's identity is a tag under the generation that the entry names; what it
 * says is a digest. The first entry of an identity counts; one with another digest is a conflict, and counts too; one with a digest that
 * was there is a repeat, unless it is another part of that event, which concerned several of the subjects that are this person. What is
 * no producer's counts as nothing. An identity that was first used for somebody else cannot be seen here: its conflict looks like a first.
 */
export class Standings {
  private readonly firsts = new Map<string, string>();
  private readonly seen = new Set<string>();

  /** @param entry the next in the order of the log */
  next({ metadata }: LeafEntry): LeafStanding {
    const { generation, tag, digest } = (metadata['event'] ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof generation !== 'string' || typeof tag !== 'string' || typeof digest !== 'string') return null;
    const { index = null } = (metadata['part'] ?? {}) as Readonly<Record<string, unknown>>;
    const identity = JSON.stringify([generation, tag]);
    const part = JSON.stringify([generation, tag, digest, typeof index === 'number' ? index : null]);
    if (this.seen.has(part)) return null;
    this.seen.add(part);
    const first = this.firsts.get(identity) ?? digest;
    this.firsts.set(identity, first);
    return first === digest ? 'first' : 'conflict';
  }
}

/** The entries that are shown and count, in the order of the log. */
export function* countedEntries(
  entries: readonly ProvenEntry[],
): Generator<{ readonly index: bigint; readonly entry: LeafEntry; readonly standing: 'first' | 'conflict' }> {
  const standings = new Standings();
  for (const { index, entry } of entries) {
    if (entry === 'withheld') continue;
    const standing = standings.next(entry);
    if (standing !== null) yield { index, entry, standing };
  }
}
