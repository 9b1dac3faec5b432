import { readLeaf } from '../leaf-entry.js';
import { lossesSince, type LogWithLosses } from '../loss/follow-growth.js';
import type { ProvenLoss } from '../loss/loss.js';
import { isSameLog, readLogName } from '../note/log-name.js';
import { openCheckpoint, type OpenedCheckpoint, type Trust } from '../note/open-checkpoint.js';
import { parseNote, signersOf, type Note } from '../note/signed-note.js';
import { fromBase64, textOf, toBase64 } from '../primitives/bytes.js';
import { HASH_BYTES, hashLeaf } from '../tree/hashing.js';
import { ProofInvalid } from '../tree/proofs.js';
import { TreeGrowth } from '../tiles/growth.js';
import { TILE_WIDTH, tileWidth } from '../tiles/tiles.js';
import { tileFrom, verifyGrowth, verifyMember, type LogSource } from '../verification/verify-log.js';
import { parseReceipt, type PromisedEntry, type Receipt } from './receipt.js';
import { receiptKeyName, verifyReceiptKeys, type AnnouncedReceiptKey } from './receipt-keys.js';

/** A log, and what it has announced for its receipts. */
export interface ReceiptSource extends LogSource, Pick<LogWithLosses, 'losses'> {
  /** Whether it is the log itself, and no copy: a copy may be older than the keys that were kept beside it. */
  readonly isLive: boolean;
  receiptKeys(): Promise<string>;
}

export interface VerifyReceiptOptions {
  /**
   * When the log was asked, or the copy of it made, in milliseconds: what is read here was the newest then. Null where nobody knows.
   * What witnesses say counts as well: as many as must have cosigned, or one.
   */
  readonly askedAt: number | null;
  /** Whether the announcements of keys are none of that time, but were kept. */
  readonly keptKeys?: boolean;
  /** Told the leaves that were looked at, and how many there are. */
  readonly onProgress?: (leaves: bigint, size: bigint) => void;
}

/**
 * `pending`: entries are missing, or the key is not announced yet, and nothing shows that it should be otherwise. `lost`: entries are missing,
 * and the log says that it has lost some since it promised them.
 */
export type ReceiptVerdict = 'kept' | 'broken' | 'pending' | 'lost';

export interface VerifiedReceipt {
  readonly verdict: ReceiptVerdict;
  readonly receipt: Receipt;
  /** What it is signed with, and where the log says so; null where it has not yet. Then nothing else of the receipt was looked at. */
  readonly signedWith: AnnouncedReceiptKey | null;
  /** The log as it was looked at. */
  readonly checkpoint: OpenedCheckpoint;
  /** The latest time at which that is said to have been its newest, in milliseconds; null where nobody says. */
  readonly seenAt: number | null;
  /** The entries that the log holds, and where. */
  readonly held: readonly (PromisedEntry & { readonly index: bigint })[];
  readonly missing: readonly PromisedEntry[];
  /** What the log has lost since it gave the receipt, as it says. */
  readonly losses: readonly ProvenLoss[];
}

/**
 * Finds out whether a log has kept what it promised in a receipt: looks among its leaves, from where they must be, for those of the
 * entries. What is found, and that nothing else is there, is shown by the log's tiles under its checkpoint, whoever gave them.
 *
 * @param text the receipt, a signed note
 * @throws FormatInvalid it is none, or what is read of the log has not its form
 * @throws ProofInvalid  the receipt is not the log's, or the log does not hold together: nothing can be said of the promise
 */
export async function verifyReceipt(
  text: string,
  source: ReceiptSource,
  trust: Trust,
  { askedAt, keptKeys = false, onProgress = () => undefined }: VerifyReceiptOptions,
): Promise<VerifiedReceipt> {
  const note = parseNote(text);
  const receipt = parseReceipt(note.text);
  // Read in this order, the checkpoint is no older than those under which the keys are proven.
  const announced = verifyReceiptKeys(await source.receiptKeys(), trust);
  const checkpoint = openCheckpoint(await source.checkpoint(), trust);
  const [then, now] = [readLogName(receipt.log).losses, readLogName(checkpoint.origin).losses];
  if (!isSameLog(receipt.log, checkpoint.origin) || then > now)
    throw new ProofInvalid(`the receipt is one of the log ${receipt.log}, and this is ${checkpoint.origin}`);
  const losses = then === now ? [] : await lossesSince(source, then, now, trust);
  const seenAt = lastSeen(checkpoint, trust, askedAt);
  const signedWith = signerAmong(announced, note);
  if (signedWith === null) {
    const isNamed = note.signatures.some(({ name }) => name === receiptKeyName(receipt.log));
    const isShown = !keptKeys && losses.length === 0 && seenAt !== null && seenAt > Date.parse(receipt.acceptedAt);
    if (!isNamed || isShown)
      throw new ProofInvalid('the receipt is not signed with a key that the log has announced for receipts');
    return { verdict: 'pending', receipt, signedWith, checkpoint, seenAt, held: [], missing: receipt.entries, losses };
  }
  await assertAnnounced(source, signedWith, checkpoint);

  const found = await findLeaves(receipt, source, checkpoint, onProgress);
  const held = receipt.entries.flatMap((entry) => {
    const index = found.get(entry.leafHash);
    return index === undefined ? [] : [{ ...entry, index }];
  });
  const missing = receipt.entries.filter(({ leafHash }) => !found.has(leafHash));
  const isDue = seenAt !== null && seenAt > Date.parse(receipt.dueAt);
  const open = losses.length > 0 ? 'lost' : isDue ? 'broken' : 'pending';
  const verdict = missing.length === 0 ? 'kept' : open;
  return { verdict, receipt, signedWith, checkpoint, seenAt, held, missing, losses };
}

/** A witness cosigns what it has seen again, with a new time: the last of them alone would make old what others know to be newer. */
function lastSeen({ cosignatures }: OpenedCheckpoint, { quorum = 0 }: Trust, askedAt: number | null): number | null {
  const times = cosignatures.map(({ seconds }) => Number(seconds) * 1000).sort((a, b) => b - a);
  const witnessed = times[Math.max(quorum, 1) - 1] ?? null;
  return witnessed === null || askedAt === null ? (witnessed ?? askedAt) : Math.max(witnessed, askedAt);
}

function signerAmong(announced: readonly AnnouncedReceiptKey[], note: Note): AnnouncedReceiptKey | null {
  const signers = signersOf(
    note,
    announced.map(({ key }) => key),
  );
  return announced.find(({ key }) => signers.includes(key)) ?? null;
}

/** That the log is the one in which a key is announced. @throws ProofInvalid */
async function assertAnnounced(
  source: ReceiptSource,
  { index, leafHash, checkpoint: proven }: AnnouncedReceiptKey,
  checkpoint: OpenedCheckpoint,
): Promise<void> {
  // It was kept from before a loss: the log had signed it then, and need not have it any more.
  if (proven.origin !== checkpoint.origin) return;
  if (source.isLive || proven.size <= checkpoint.size) await verifyGrowth(source, proven, checkpoint);
  // A copy that is older has no tiles of what came later, and yet the announcement where it was there already.
  else if (index < checkpoint.size) await verifyMember(source, leafHash, index, checkpoint);
}

/**
 * Which of a receipt's entries a leaf is: the receipt names its hash, and for that the id that the leaf itself says.
 *
 * @param leaf its exact bytes
 * @throws FormatInvalid | ProofInvalid it is none of them
 */
export function promisedEntryOf(leaf: Uint8Array, { entries }: Receipt): PromisedEntry {
  const leafHash = toBase64(hashLeaf(leaf));
  const entry = entries.find((each) => each.leafHash === leafHash);
  if (entry === undefined) throw new ProofInvalid('it is the leaf of none of the entries that the receipt names');
  const { id } = readLeaf(textOf(leaf));
  if (id !== entry.id) throw new ProofInvalid(`it is the leaf of the entry ${id}, and the receipt says ${entry.id}`);
  return entry;
}

/**
 * Where the leaves of a receipt's entries are, by their hashes. They are read tile by tile, until all are found or there are no more; a
 * tree is grown from them on what stands before, and the tree of the checkpoint must be grown from that.
 *
 * @throws ProofInvalid the tiles are not those of the checkpoint
 */
async function findLeaves(
  { leaves, entries }: Receipt,
  source: LogSource,
  checkpoint: OpenedCheckpoint,
  onProgress: (leaves: bigint, size: bigint) => void,
): Promise<Map<string, bigint>> {
  const { size } = checkpoint;
  const found = new Map<string, bigint>();
  const first = leaves / BigInt(TILE_WIDTH);
  const begin = first * BigInt(TILE_WIDTH);
  if (begin >= size) return found;
  const wanted = new Map(entries.map(({ leafHash }) => [nameOf(fromBase64(leafHash)), leafHash]));
  const growth = TreeGrowth.from(begin, await edgesAt(begin, source, size));
  for (let index = first; growth.size < size && wanted.size > 0; index++) {
    const hashes = await tileFrom(source, { level: 0, index }, tileWidth({ level: 0, index }, size));
    for (let at = 0; at < hashes.length; at += HASH_BYTES) {
      const hash = hashes.subarray(at, at + HASH_BYTES);
      const leafHash = growth.size < leaves ? undefined : wanted.get(nameOf(hash));
      if (leafHash !== undefined) {
        found.set(leafHash, growth.size);
        wanted.delete(nameOf(hash));
      }
      growth.add(hash);
    }
    // They are full, and nobody asks for them again.
    growth.takeFull();
    onProgress(growth.size, size);
  }
  await verifyGrowth(source, { size: growth.size, root: growth.root() }, checkpoint);
  return found;
}

/** The tiles at the right edge of what a log was at some size, cut out of those that it has now. */
async function edgesAt(then: bigint, source: LogSource, size: bigint): Promise<Uint8Array[]> {
  const edges: Uint8Array[] = [];
  for (let level = 0; then >> BigInt(8 * level) > 0n; level++) {
    const place = { level, index: then >> BigInt(8 * (level + 1)) };
    const width = tileWidth(place, then);
    const hashes = width === 0 ? new Uint8Array() : await tileFrom(source, place, tileWidth(place, size));
    edges.push(hashes.subarray(0, width * HASH_BYTES));
  }
  return edges;
}

/** A hash as the key of a map: a character for each byte. */
function nameOf(hash: Uint8Array): string {
  return String.fromCharCode(...hash);
}
