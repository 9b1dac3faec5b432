import { formatAnnouncements, parseAnnouncements, type ProvenAnnouncement } from '../keys/proven-announcement.js';
import { readLeaf, type LeafEntry } from '../leaf-entry.js';
import { readLogName } from '../note/log-name.js';
import type { OpenedCheckpoint, Trust } from '../note/open-checkpoint.js';
import { FormatInvalid, readDecimal, utf8 } from '../primitives/bytes.js';
import { verifyLeaf } from '../proof/tlog-proof.js';
import { named, ProofInvalid } from '../tree/proofs.js';

/** The type of the entries that say what a ledger has lost, and the lane that they stand in behind its founding. */
export const LEDGER_RESTORED = 'sijill.ledger.restored.v1';
export const FOUNDING_LANE = 'ledger-founding';

/** That the end of a store was lost, as the log says: it goes on in another name since, from what is left. */
export interface Loss {
  /** How often that has happened, with this time. */
  readonly losses: number;
  /** When somebody has accepted it: RFC 3339. */
  readonly acceptedAt: string;
  /** So many leaves the log had, signed or not; and so many of the first of them the store still holds as they were. */
  readonly leaves: bigint;
  readonly kept: bigint;
  /** The last checkpoint that was signed before, a signed note; null when none was. */
  readonly checkpoint: string | null;
}

/** The same, proven to be in the log. */
export interface ProvenLoss extends Loss {
  readonly index: bigint;
  readonly under: OpenedCheckpoint;
}

const LOSSES = 'sijill log losses v1';

/** @throws FormatInvalid the entry tells of no loss of the store's end */
export function readLoss({ type, lane, data }: Pick<LeafEntry, 'type' | 'lane' | 'data'>): Loss {
  if (lane !== FOUNDING_LANE || type !== LEDGER_RESTORED) throw new FormatInvalid('the entry tells of no loss');
  const { losses, occurredAt } = data;
  const { log } = (data['lost'] ?? {}) as { log?: Partial<Record<'leaves' | 'kept' | 'checkpoint', unknown>> };
  if (!Number.isSafeInteger(losses) || typeof occurredAt !== 'string' || log === undefined)
    throw new FormatInvalid('the entry does not say what was lost, or when');
  const { checkpoint = null } = log;
  if (checkpoint !== null && typeof checkpoint !== 'string')
    throw new FormatInvalid('the entry does not say what was signed before');
  const [leaves, kept] = [readDecimal(String(log.leaves)), readDecimal(String(log.kept))];
  return { losses: losses as number, acceptedAt: occurredAt, leaves, kept, checkpoint };
}

/** All losses that a log tells of, in their order, as JSON. */
export function formatLosses(losses: readonly ProvenAnnouncement[]): string {
  return formatAnnouncements(LOSSES, losses);
}

/**
 * The losses that a log tells of. One can be missing before the last: a later loss may have taken the entry that told of it.
 *
 * @param text as the log gives it
 * @throws FormatInvalid it is none
 * @throws ProofInvalid  one does not hold, or the last is not the one that the log's name tells of
 */
export function verifyLosses(text: string, trust: Trust): ProvenLoss[] {
  const losses = parseAnnouncements(LOSSES, text).map(({ leaf, proof }, i) =>
    named(`loss ${i + 1} of the log`, () => {
      const { index, checkpoint } = verifyLeaf(utf8(leaf), proof, trust);
      return { ...readLoss(readLeaf(leaf)), index, under: checkpoint };
    }),
  );
  for (const [i, { losses: number, under }] of losses.entries()) {
    const isNext = i === 0 || number > losses[i - 1]!.losses;
    if (!isNext || number > readLogName(under.origin).losses)
      throw new ProofInvalid(`the log ${under.origin} cannot tell of a loss ${number} there`);
  }
  return losses;
}
