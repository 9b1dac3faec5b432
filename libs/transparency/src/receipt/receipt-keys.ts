import { formatAnnouncements, parseAnnouncements, type ProvenAnnouncement } from '../keys/proven-announcement.js';
import { readLeaf, type LeafEntry } from '../leaf-entry.js';
import type { OpenedCheckpoint, Trust } from '../note/open-checkpoint.js';
import { readLogName } from '../note/log-name.js';
import { parseVerifierKey, verifierKey, type VerifierKey } from '../note/verifier-key.js';
import { FormatInvalid, utf8 } from '../primitives/bytes.js';
import { verifyLeaf } from '../proof/tlog-proof.js';
import { hashLeaf } from '../tree/hashing.js';
import { named, ProofInvalid } from '../tree/proofs.js';

/** The type of the entries that say what receipts are signed with, and their lane, which has nothing else. */
export const RECEIPT_KEY_INTRODUCED = 'sijill.ledger.receipt_key_introduced.v1';
export const RECEIPT_KEYS_LANE = 'ledger-receipt-keys';

const RECEIPT_KEYS = 'sijill receipt keys v1';

/** That a log's receipts may be signed with a key. */
export interface ReceiptKeyAnnouncement {
  readonly key: VerifierKey;
  readonly announcedAt: string;
}

/** The same, proven to be in the log. */
export interface AnnouncedReceiptKey extends ReceiptKeyAnnouncement {
  readonly leafHash: Uint8Array;
  readonly index: bigint;
  readonly checkpoint: OpenedCheckpoint;
}

/** What the keys for the receipts of a log are called, before a loss and behind it. */
export function receiptKeyName(log: string): string {
  return `${readLogName(log).began}/receipt`;
}

/** The key as whoever verifies has it: no other key of the log has its name. @param log the log's name */
export function receiptKey(log: string, publicKey: Uint8Array): VerifierKey {
  return verifierKey(receiptKeyName(log), 'ed25519', publicKey);
}

/** @throws FormatInvalid the entry announces no key for receipts */
export function readReceiptKey({
  type,
  lane,
  data,
}: Pick<LeafEntry, 'type' | 'lane' | 'data'>): ReceiptKeyAnnouncement {
  if (lane !== RECEIPT_KEYS_LANE || type !== RECEIPT_KEY_INTRODUCED)
    throw new FormatInvalid('the entry announces no key for receipts');
  const { key, occurredAt } = data;
  if (typeof key !== 'string' || typeof occurredAt !== 'string')
    throw new FormatInvalid('the announcement does not say what the key is, or when');
  const announced = parseVerifierKey(key);
  if (announced.type !== 'ed25519') throw new FormatInvalid('the announced key is none that receipts are signed with');
  return { key: announced, announcedAt: occurredAt };
}

/** All keys that a log has announced for its receipts, in their order, as JSON. */
export function formatReceiptKeys(announcements: readonly ProvenAnnouncement[]): string {
  return formatAnnouncements(RECEIPT_KEYS, announcements);
}

/**
 * The keys that a log has announced for its receipts. None is taken back: what was promised with one stays promised.
 *
 * @param text as the log gives it
 * @throws FormatInvalid it is none
 * @throws ProofInvalid  an announcement does not hold; the message says which
 */
export function verifyReceiptKeys(text: string, trust: Trust): AnnouncedReceiptKey[] {
  return parseAnnouncements(RECEIPT_KEYS, text).map(({ leaf, proof }, i) =>
    named(`announcement ${i + 1} of the keys for receipts`, () => {
      const announced = readReceiptKey(readLeaf(leaf));
      const { index, checkpoint } = verifyLeaf(utf8(leaf), proof, trust);
      if (announced.key.name !== receiptKeyName(checkpoint.origin))
        throw new ProofInvalid('it is not a key for receipts of this log');
      return { ...announced, leafHash: hashLeaf(utf8(leaf)), index, checkpoint };
    }),
  );
}
