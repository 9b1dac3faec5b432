import type { EntryText, EventStore, JsonObject } from '@sijill/event-store';
import {
  formatVerifierKey,
  isRefusal,
  isSameKey,
  KEYS_LANE,
  keysNamed,
  parseCheckpoint,
  parseNote,
  readLogName,
  signersOf,
  verifierKey,
  type Note,
  type Signer,
  type VerifierKey,
} from '@sijill/transparency';
import { logSigner, type LogSigner } from '../log-signer.js';
import type { LogStore, SignedCheckpoint } from '../log-store.js';
import type { SigningKeys } from '../signers/signing-keys.js';
import { announce, announcementEntries, announcementIn, inForce, KeyChangeRefused, type LogKey } from './log-key.js';

/** The name that a log signs in, and what it signs with: a process that does not sign never asks for that. */
export interface LogIdentity {
  /** See `logName`: behind a loss the log signs in another name, with the same keys. */
  readonly origin: string;
  readonly keys: SigningKeys;
}

/** The log has announced other keys than those that are here. Nothing is signed with a key that was not announced. */
export class KeysNotAnnounced extends Error {
  override readonly name = 'KeysNotAnnounced';
}

/**
 * Signs with the keys that the log has announced. They follow from the log alone, so that whoever goes on with it comes to the same:
 * nothing is kept of them but the announcements, and the signatures under the last checkpoint, which must be theirs.
 */
export class AnnouncedSigner implements LogSigner {
  private constructor(
    private readonly identity: LogIdentity,
    private history: readonly LogKey[],
    private signer: LogSigner,
  ) {}

  /**
   * Goes on from what is announced up to a position of the store.
   *
   * @throws KeysNotAnnounced | SignerFailed
   */
  static async resume(
    store: EventStore,
    log: LogStore,
    identity: LogIdentity,
    position: number,
  ): Promise<AnnouncedSigner> {
    const history = await signedHistory(store, log, identity.origin, position);
    return new AnnouncedSigner(identity, history, await signerFor(identity, history));
  }

  get origin(): string {
    return this.identity.origin;
  }

  /** None before the log has announced the key that it begins with: there is nothing to sign with. */
  get keys(): readonly VerifierKey[] {
    return this.signer.keys;
  }

  /**
   * Takes note of entries that the log is about to have: the next checkpoint covers them.
   *
   * @throws KeysNotAnnounced | SignerFailed
   */
  async take(batch: readonly EntryText[]): Promise<void> {
    const entries = batch
      .filter(({ stream, foreign }) => stream === KEYS_LANE && !foreign)
      .map((entry) => ({ ...entry, data: JSON.parse(entry.data) as JsonObject }));
    if (entries.length === 0) return;
    this.history = saying(ANNOUNCED, () => entries.map(announcementIn).reduce(announce, this.history));
    this.signer = await signerFor(this.identity, this.history);
  }

  sign(size: bigint, root: Uint8Array): Promise<string> {
    return this.signer.sign(size, root);
  }
}

const ANNOUNCED = 'what the log has announced about its keys cannot be';

async function signerFor(identity: LogIdentity, history: readonly LogKey[]): Promise<LogSigner> {
  return logSigner(identity.origin, await ownKeys(identity, inForce(history)));
}

/** A key of the log, as it is announced: in the name under which the log began. */
export function keyOf(origin: string, { publicKey }: Signer): VerifierKey {
  return verifierKey(readLogName(origin).began, 'ed25519', publicKey);
}

/**
 * Every key that a log has announced; none before its notary has begun.
 *
 * @param origin the name that it is to sign in
 * @param position of the store; what is announced behind it is left out
 * @throws KeysNotAnnounced an entry of the lane is none that the log could have written, or it signs in another name
 */
export async function keyHistory(
  store: EventStore,
  origin: string,
  position = Number.POSITIVE_INFINITY,
): Promise<readonly LogKey[]> {
  const entries = await announcementEntries(store);
  const history = saying(ANNOUNCED, () =>
    entries
      .filter((entry) => entry.position <= position)
      .map(announcementIn)
      .reduce(announce, []),
  );
  if (history.length > 0) assertNamed(history[0]!.key.name, readLogName(origin).began);
  return history;
}

/**
 * The same, where the last checkpoint is signed with those of them that were in force then.
 *
 * @throws KeysNotAnnounced
 */
export async function signedHistory(
  store: EventStore,
  log: LogStore,
  origin: string,
  position?: number,
): Promise<readonly LogKey[]> {
  const last = await log.checkpoint();
  if (last !== null)
    assertNamed(
      saying(notHolding(last.size), () => nameIn(last)),
      origin,
    );
  const history = await keyHistory(store, origin, position);
  if (last !== null) assertSignedBy(last, origin, inForce(history, last.position));
  return history;
}

/**
 * What signs with keys that the log has announced.
 *
 * @throws KeysNotAnnounced what is here are other keys
 * @throws SignerFailed     it cannot be told what is here
 */
export async function ownKeys({ origin, keys: here }: LogIdentity, announced: readonly LogKey[]): Promise<Signer[]> {
  const signers: Signer[] = [];
  for (const { generation, key } of announced) {
    const signer = await here.key(generation);
    const own = keyOf(origin, signer);
    if (!isSameKey(own, key))
      throw new KeysNotAnnounced(
        `the log has announced ${formatVerifierKey(key)} as its key of generation ${generation}, and what signs here has ${formatVerifierKey(own)}; ` +
          'put back the key that was announced (SIJILL_LOG_SIGNER)',
      );
    signers.push(signer);
  }
  return signers;
}

function nameIn({ note }: SignedCheckpoint): string {
  return parseCheckpoint(parseNote(note).text).origin;
}

/** @throws KeysNotAnnounced the log has signed, or has keys, in another name */
function assertNamed(has: string, name: string): void {
  if (has !== name)
    throw new KeysNotAnnounced(
      `the log signs as ${has} and is to sign as ${name}; put back its keyring and SIJILL_LOG_ORIGIN`,
    );
}

/** @throws KeysNotAnnounced a checkpoint bears other signatures of the log than those of these keys */
function assertSignedBy({ size, note: text }: SignedCheckpoint, origin: string, keys: readonly LogKey[]): void {
  const note = parseNote(text);
  const own = keysNamed(
    origin,
    keys.map(({ key }) => key),
  );
  const signers = saying(notHolding(size), () => signersOf(note, own));
  if (signers.length !== own.length || signaturesOf(note, origin) !== own.length)
    throw new KeysNotAnnounced(
      `the checkpoint of ${size} entries is not signed with the keys that the log has announced; put back the store, or the log, that ` +
        'belongs to it',
    );
}

function notHolding(size: number): string {
  return `the checkpoint of ${size} entries does not hold`;
}

/** How many keys have signed in the log's name. A witness's signature, which has a time before it, is another matter in any name. */
function signaturesOf({ signatures }: Note, origin: string): number {
  const own = signatures.filter(({ name, bytes }) => name === origin && bytes.length === SIGNATURE_BYTES);
  return new Set(own.map(({ id }) => id)).size;
}

const SIGNATURE_BYTES = 64;

/** Says what it is that could not have been written by the log. */
function saying<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof KeyChangeRefused) && !isRefusal(error)) throw error;
    throw new KeysNotAnnounced(`${what}: ${error.message}`, { cause: error });
  }
}
