import type { KeylessStore } from '@sijill/event-store';
import {
  isRefusal,
  isSameKey,
  KEYS_LANE,
  keysNamed,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  ProofInvalid,
  readLogName,
  signersOf,
  type Note,
  type OpenedCheckpoint,
  type Trust,
  type VerifierKey,
} from '@sijill/transparency';
import { announce, announcementIn, inForce, KeyChangeRefused, type LogKey } from '../keys/log-key.js';
import type { LogStore } from '../log-store.js';
import type { Finding } from './check-range.js';
import { loggedEntries } from './logged-entries.js';

/**
 * Whose signatures count at which size of the log: the keys that it had announced by then, as far as they are trusted. Trusted are those
 * that were given, and each that was announced under a checkpoint of one that is trusted.
 */
export class AnnouncedTrust {
  private trusted: readonly VerifierKey[];

  private constructor(
    private readonly log: LogStore,
    private readonly trust: Trust,
    private readonly keys: readonly LogKey[],
    /** What is wrong with the announcements, or with what was given. */
    readonly finding: Finding | null,
  ) {
    this.trusted = asAnnounced(trust.log);
  }

  /** @param size leaves of the log: what it does not have yet is not believed, for nobody can tell who wrote it */
  static async of(store: KeylessStore, log: LogStore, size: number, trust: Trust): Promise<AnnouncedTrust> {
    let keys: readonly LogKey[] = [];
    let finding: Finding | null = null;
    for await (const { entry, index } of loggedEntries(store, log, size, KEYS_LANE)) {
      try {
        keys = announce(keys, announcementIn(entry));
        if (keys.length === 1 && !isAmong(asAnnounced(trust.log), keys[0]!.key))
          finding = { what: 'key', index, detail: 'the key that the log began with was not given; give that one too' };
      } catch (error) {
        if (!(error instanceof KeyChangeRefused) && !isRefusal(error)) throw error;
        finding ??= {
          what: 'key',
          index,
          detail: `entry ${entry.id} announces what cannot be: ${error.message}`,
        };
        break;
      }
    }
    return new AnnouncedTrust(log, trust, keys, finding);
  }

  /**
   * Opens a checkpoint as the log itself keeps it: every key in force has signed it, and no other key of the log.
   *
   * @throws FormatInvalid | ProofInvalid
   */
  async openOwn(text: string): Promise<OpenedCheckpoint> {
    const { checkpoint, note, signing, believed } = await this.opened(text);
    const hasSigned = (key: VerifierKey): boolean => {
      const named = keysNamed(checkpoint.origin, [key]);
      return named.some(({ name, id }) => note.signatures.some((one) => one.name === name && one.id === id));
    };
    if (!signing.every(hasSigned)) throw new ProofInvalid('a key that the log had announced by then has not signed it');
    if (this.keys.some(({ key }) => hasSigned(key) && !isAmong(signing, key)))
      throw new ProofInvalid('a key has signed it that was retired by then, or not announced yet');
    const others = signing.filter((key) => !isAmong(believed, key));
    this.trusted = [
      ...this.trusted,
      ...others.filter((key) => signersOf(note, keysNamed(checkpoint.origin, [key])).length > 0),
    ];
    return checkpoint;
  }

  /** Opens a checkpoint from elsewhere: one of the keys that were in force has signed it. @throws FormatInvalid | ProofInvalid */
  async open(text: string): Promise<OpenedCheckpoint> {
    return (await this.opened(text)).checkpoint;
  }

  private async opened(text: string): Promise<{
    checkpoint: OpenedCheckpoint;
    note: Note;
    /** The keys in force, and those of them that are trusted. */
    signing: VerifierKey[];
    believed: VerifierKey[];
  }> {
    const note = parseNote(text);
    const { size } = parseCheckpoint(note.text);
    const signing = inForce(this.keys, await this.positionAt(size)).map(({ key }) => key);
    const believed = signing.filter((key) => isAmong(this.trusted, key));
    return { checkpoint: openCheckpoint(text, { ...this.trust, log: believed }), note, signing, believed };
  }

  /** The store position of the last of so many leaves; of more than there are, behind all. */
  private async positionAt(size: bigint): Promise<number> {
    if (size === 0n) return 0;
    return (await this.log.positionAt(Number(size - 1n))) ?? Number.POSITIVE_INFINITY;
  }
}

/** Keys in the name in which they were announced, whichever they were given in. */
function asAnnounced(keys: readonly VerifierKey[]): VerifierKey[] {
  return keys.flatMap((key) => keysNamed(readLogName(key.name).began, [key]));
}

function isAmong(keys: readonly VerifierKey[], key: VerifierKey): boolean {
  return keys.some((one) => isSameKey(one, key));
}
