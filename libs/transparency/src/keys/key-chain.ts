import { readLeaf } from '../leaf-entry.js';
import { openCheckpoint, type OpenedCheckpoint, type Trust } from '../note/open-checkpoint.js';
import { isSameLog, keysNamed } from '../note/log-name.js';
import { isSameKey, type VerifierKey } from '../note/verifier-key.js';
import { utf8 } from '../primitives/bytes.js';
import { verifyLeaf } from '../proof/tlog-proof.js';
import { named, ProofInvalid } from '../tree/proofs.js';
import { verifyGrowth, type LogSource } from '../verification/verify-log.js';
import { readAnnouncement, type KeyAnnouncement } from './announcement.js';
import { formatAnnouncements, parseAnnouncements, type ProvenAnnouncement } from './proven-announcement.js';

export interface FollowedKeys {
  /** The keys to trust now. */
  readonly keys: readonly VerifierKey[];
  /** What was announced behind the keys that were trusted before. */
  readonly announcements: readonly (KeyAnnouncement & {
    readonly index: bigint;
    readonly checkpoint: OpenedCheckpoint;
  })[];
}

const KEY_CHAIN = 'sijill log keys v1';

/**
 * All announcements of a log's keys in their order, as JSON.
 *
 * @param announcements each proven under a checkpoint that has no later one in it
 */
export function formatKeyChain(announcements: readonly ProvenAnnouncement[]): string {
  return formatAnnouncements(KEY_CHAIN, announcements);
}

/**
 * Follows a log from keys that are trusted to those that sign it now: each announcement must be proven under a checkpoint that a key
 * signed which is trusted by then. Announcements up to that of the earliest key that is trusted are passed over. What foreign events say
 * in the lane of announcements is none of the log's: the log does not list them, and their leaves are refused.
 *
 * That none was kept back at the end it cannot show: whoever has the old key can go on without announcing anything.
 *
 * @param text as the log gives it
 * @throws FormatInvalid it is none
 * @throws ProofInvalid  an announcement does not hold; the message says which
 */
export function followKeys(text: string, trust: Trust): FollowedKeys {
  const whole = new WholeChain();
  const chain = parseAnnouncements(KEY_CHAIN, text).map(({ leaf, proof }, i) =>
    named(announcementAt(i), () => {
      const entry = readLeaf(leaf);
      const announcement = readAnnouncement(entry);
      whole.take(entry.revision, announcement);
      return { leaf, proof, announcement };
    }),
  );
  const placeOf = (key: VerifierKey): number =>
    chain.findIndex(({ announcement: { what, key: other } }) => what === 'introduced' && isSameSigner(key, other));
  const places = trust.log.map(placeOf).filter((at) => at !== -1);
  if (chain.length > 0 && places.length === 0)
    throw new ProofInvalid('the log has announced none of the keys that are trusted');
  const first = Math.min(...places) + 1;
  let keys = trust.log;
  let last = -1n;
  const announcements = chain.slice(first).map(({ leaf, proof, announcement }, i) =>
    named(announcementAt(first + i), () => {
      const { index, checkpoint } = verifyLeaf(utf8(leaf), proof, { ...trust, log: keys });
      if (index <= last) throw new ProofInvalid('it does not stand behind the one before');
      if (!isSameLog(announcement.key.name, checkpoint.origin))
        throw new ProofInvalid('it is about a key of another log');
      last = index;
      const others = keys.filter((key) => !isSameSigner(key, announcement.key));
      keys = announcement.what === 'introduced' ? [...others, announcement.key] : others;
      if (keys.length === 0) throw new ProofInvalid('no key is left that is trusted');
      return { ...announcement, index, checkpoint };
    }),
  );
  return { keys, announcements };
}

/**
 * Follows a log's keys, and checks that the log, as it is now, is signed with one of those that it leads to and has grown from where
 * they were announced.
 *
 * @param note the checkpoint, read after the announcements were
 * @throws FormatInvalid | ProofInvalid
 */
export async function verifyKeyChain(
  source: LogSource,
  text: string,
  note: string,
  trust: Trust,
): Promise<FollowedKeys & { readonly checkpoint: OpenedCheckpoint }> {
  const followed = followKeys(text, trust);
  const checkpoint = openCheckpoint(note, { ...trust, log: followed.keys });
  for (const announced of followed.announcements) await verifyGrowth(source, announced.checkpoint, checkpoint);
  return { ...followed, checkpoint };
}

/**
 * That none is left out between two announcements. Keys come one at a time, and behind the second one goes before the next comes. Their places in their
 * lane only rise: what somebody else has put there stands between them.
 */
class WholeChain {
  private revision = -1;
  private newest = 0;
  private readonly signing = new Set<number>();

  /** @throws ProofInvalid */
  take(revision: number, { what, generation }: KeyAnnouncement): void {
    const follows =
      what === 'introduced'
        ? this.signing.size <= 1 && generation === this.newest + 1
        : this.signing.size === 2 && this.signing.has(generation);
    if (!follows || revision <= this.revision) throw new ProofInvalid('there is another one before it');
    this.revision = revision;
    if (what === 'introduced') this.signing.add((this.newest = generation));
    else this.signing.delete(generation);
  }
}

/** Whether two keys are one, in the names that a log has before a loss and behind it. */
function isSameSigner(key: VerifierKey, other: VerifierKey): boolean {
  return keysNamed(other.name, [key]).some((named) => isSameKey(named, other));
}

function announcementAt(i: number): string {
  return `announcement ${i + 1} of the log's keys`;
}
