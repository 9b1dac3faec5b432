import type { LeafEntry } from '../leaf-entry.js';
import { ProofInvalid } from '../tree/proofs.js';
import { differingInRepeat } from './open-members.js';
import type { ProvenEntry } from './verify-accounting-proof.js';

/** How an entry stands among those of its person that have its event's identity; `null`: it counts as nothing. */
export interface LeafStanding {
  readonly is: 'first' | 'conflict' | null;
  /**
   * Whether the ledger may say the other of the two: an identity may have been used before for somebody else, which cannot be seen
   * here. So what comes first here may be a conflict; and what comes second may be `first`, when it is a later part of an event
   * whose first part was somebody else's.
   */
  readonly orOther: boolean;
}

const COUNTS_AS_NOTHING: LeafStanding = { is: null, orOther: false };

/**
 * Tells which entries count, in the order of the log. An event's identity is a tag under the generation that the entry names; what it
 * says is a digest. Each digest counts once for each subject that it is said of: again, it is a repeat. The one that came first
 * under an identity is the event, others are conflicts. What is no producer's counts as nothing.
 *
 * A digest is keyed, so that nobody can compute it here. But what has the same one says the same: an entry that passes for a repeat, and
 * says openly something else than the first, would be a disclosure that is kept out of the report.
 */
export class Standings {
  private readonly firsts = new Map<string, string>();
  private readonly seen = new Map<string, LeafEntry>();

  /**
   * @param entry the next in the order of the log
   * @throws ProofInvalid it says of itself that it repeats an earlier one, and does not
   */
  next(entry: LeafEntry): LeafStanding {
    const { data, metadata } = entry;
    const event = eventOf(entry);
    if (event === null) return COUNTS_AS_NOTHING;
    const { generation, tag, digest } = event;
    const saying = JSON.stringify([generation, tag, digest, data['subjectId']]);
    const repeated = this.seen.get(saying);
    if (repeated !== undefined) {
      const differing = differingInRepeat(repeated, entry);
      if (differing === null) return COUNTS_AS_NOTHING;
      throw new ProofInvalid(
        `the entry ${entry.id} passes for a repeat of ${repeated.id}, and differs in ${differing}`,
      );
    }
    this.seen.set(saying, entry);
    const identity = JSON.stringify([generation, tag]);
    const first = this.firsts.get(identity) ?? digest;
    this.firsts.set(identity, first);
    if (first === digest) return { is: 'first', orOther: true };
    const { index = 0 } = (metadata['part'] ?? {}) as Readonly<Record<string, unknown>>;
    return { is: 'conflict', orOther: index !== 0 };
  }
}

/** The event that an entry says it is of; null where it says none. */
export function eventOf({
  metadata,
}: LeafEntry): { readonly generation: string; readonly tag: string; readonly digest: string } | null {
  const { generation, tag, digest } = (metadata['event'] ?? {}) as Readonly<Record<string, unknown>>;
  const isNamed = typeof generation === 'string' && typeof tag === 'string' && typeof digest === 'string';
  return isNamed ? { generation, tag, digest } : null;
}

/** The entries that are shown and count, in the order of the log. */
export function* countedEntries(
  entries: readonly ProvenEntry[],
): Generator<{ readonly index: bigint; readonly entry: LeafEntry; readonly standing: LeafStanding }> {
  const standings = new Standings();
  for (const { index, entry } of entries) {
    if (entry === 'withheld') continue;
    const standing = standings.next(entry);
    if (standing.is !== null) yield { index, entry, standing };
  }
}
