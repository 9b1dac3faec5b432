import type { EntryText, EventStore, JsonObject } from '@sijill/event-store';
import {
  formatVerifierKey,
  isRefusal,
  isSameKey,
  KEYS_LANE,
  parseCheckpoint,
  parseNote,
  signersOf,
  signingKey,
  verifierKey,
  type Note,
  type VerifierKey,
} from '@sijill/transparency';
import { logSigner, type LogSigner } from '../log-signer.js';
import type { LogStore, SignedCheckpoint } from '../log-store.js';
import {
  announce,
  announcementEntries,
  announcementIn,
  firstKey,
  inForce,
  KeyChangeRefused,
  type LogKey,
} from './log-key.js';

/** The name that a log signs in, and what its keys are made of. */
export interface LogIdentity {
  readonly origin: string;
  /** The 32 bytes of the Ed25519 private key of a generation, from 1. */
  seedOf(generation: number): Uint8Array;
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
  private signer: LogSigner;

  private constructor(
    private readonly identity: LogIdentity,
    private history: readonly LogKey[],
  ) {
    this.signer = this.signerNow();
  }

  /**
   * Goes on from what is announced up to a position of the store.
   *
   * @throws KeysNotAnnounced
   */
  static async resume(
    store: EventStore,
    log: LogStore,
    identity: LogIdentity,
    position: number,
  ): Promise<AnnouncedSigner> {
    return new AnnouncedSigner(identity, await signedHistory(store, log, identity, position));
  }

  get origin(): string {
    return this.identity.origin;
  }

  get keys(): readonly VerifierKey[] {
    return this.signer.keys;
  }

  /** Takes note of entries that the log is about to have: the next checkpoint covers them. @throws KeysNotAnnounced */
  take(batch: readonly EntryText[]): void {
    const entries = batch
      .filter(({ stream, foreign }) => stream === KEYS_LANE && !foreign)
      .map((entry) => ({ ...entry, data: JSON.parse(entry.data) as JsonObject }));
    if (entries.length === 0) return;
    this.history = saying(ANNOUNCED, () => entries.map(announcementIn).reduce(announce, this.history));
    this.signer = this.signerNow();
  }

  sign(size: bigint, root: Uint8Array): string {
    return this.signer.sign(size, root);
  }

  private signerNow(): LogSigner {
    const keys = inForce(this.history);
    assertOwn(this.identity, keys);
    const { origin, seedOf } = this.identity;
    return logSigner(
      origin,
      keys.map(({ generation }) => seedOf(generation)),
    );
  }
}

const ANNOUNCED = 'what the log has announced about its keys cannot be';

/** The verifier key of a generation. */
export function keyOf({ origin, seedOf }: LogIdentity, generation: number): VerifierKey {
  return verifierKey(origin, 'ed25519', signingKey(seedOf(generation)).publicKey);
}

/**
 * Every key that a log has announced.
 *
 * @param position of the store; what is announced behind it is left out
 * @throws KeysNotAnnounced an entry of the lane is none that the log could have written
 */
export async function keyHistory(
  store: EventStore,
  identity: LogIdentity,
  position = Number.POSITIVE_INFINITY,
): Promise<readonly LogKey[]> {
  const entries = await announcementEntries(store);
  return saying(ANNOUNCED, () =>
    entries
      .filter((entry) => entry.position <= position)
      .map(announcementIn)
      .reduce(announce, firstKey(keyOf(identity, 1))),
  );
}

/**
 * The same, where the last checkpoint is signed with those of them that were in force then.
 *
 * @throws KeysNotAnnounced
 */
export async function signedHistory(
  store: EventStore,
  log: LogStore,
  identity: LogIdentity,
  position?: number,
): Promise<readonly LogKey[]> {
  const last = await log.checkpoint();
  if (last !== null) assertNamed(last, identity.origin);
  const history = await keyHistory(store, identity, position);
  if (last !== null) assertSignedBy(last, identity.origin, inForce(history, last.position));
  return history;
}

/** @throws KeysNotAnnounced the keys in force are not those of this identity */
export function assertOwn(identity: LogIdentity, keys: readonly LogKey[]): void {
  for (const { generation, key } of keys) {
    const own = keyOf(identity, generation);
    if (!isSameKey(own, key))
      throw new KeysNotAnnounced(
        `the log has announced ${formatVerifierKey(key)} as its key of generation ${generation}, and this keyring has ${formatVerifierKey(own)}; ` +
          'put back the keyring that it was announced with',
      );
  }
}

/** @throws KeysNotAnnounced a checkpoint is one of another log */
function assertNamed({ size, note }: SignedCheckpoint, name: string): void {
  const { origin } = saying(notHolding(size), () => parseCheckpoint(parseNote(note).text));
  if (origin !== name)
    throw new KeysNotAnnounced(
      `the log signs as ${origin} and is to sign as ${name}; put back its keyring and SIJILL_LOG_ORIGIN`,
    );
}

/** @throws KeysNotAnnounced a checkpoint bears other signatures of the log than those of these keys */
function assertSignedBy({ size, note: text }: SignedCheckpoint, origin: string, keys: readonly LogKey[]): void {
  const note = parseNote(text);
  const own = keys.map(({ key }) => key);
  const signers = saying(notHolding(size), () => signersOf(note, own));
  if (signers.length !== own.length || signaturesOf(note, origin) !== own.length)
    throw new KeysNotAnnounced(
      `the checkpoint of ${size} entries is not signed with the keys that the log has announced and this keyring has; put back ` +
        'the keyring, or the store, that belongs to it',
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
