import {
  appendBehind,
  entryText,
  laneEnd,
  leafText,
  ledgerEntry,
  WrongExpectedRevision,
  type EventStore,
} from '@sijill/event-store';
import { isoTime, type Clock } from '@sijill/platform';
import {
  formatVerifierKey,
  KEY_INTRODUCED,
  KEY_RETIRED,
  KEYS_LANE,
  type ProvenAnnouncement,
  type VerifierKey,
} from '@sijill/transparency';
import type { LogStore, SignedCheckpoint } from '../log-store.js';
import { proveEntry } from '../prove.js';
import { assertOwn, keyHistory, keyOf, signedHistory, type LogIdentity } from './announced-signer.js';
import {
  announce,
  announcementEntries,
  inForce,
  KeyChangeRefused,
  type LogKey,
  type PlacedAnnouncement,
} from './log-key.js';

export interface LogKeysOptions {
  readonly clock: Clock;
  /** The last checkpoint that is given away; null when there is none. */
  readonly published: () => Promise<SignedCheckpoint | null>;
  /** How many witnesses have to cosign what is given away, and how many should. */
  readonly cosigned: { readonly needed: number; readonly wanted: number };
}

/** The keys that a log signs with: what they are, how they are changed, and how whoever trusts one comes to trust the next. */
export class LogKeys {
  constructor(
    private readonly store: EventStore,
    private readonly log: LogStore,
    readonly identity: LogIdentity,
    private readonly options: LogKeysOptions,
  ) {}

  /** Every key that the log has announced. @throws KeysNotAnnounced */
  all(): Promise<readonly LogKey[]> {
    return keyHistory(this.store, this.identity);
  }

  /** The keys that the last checkpoint that is given away is signed with. @throws KeysNotAnnounced */
  async published(): Promise<VerifierKey[]> {
    const position = (await this.options.published())?.position ?? 0;
    return inForce(await this.all(), position).map(({ key }) => key);
  }

  /**
   * Announces the next key. Checkpoints that cover the announcement are signed with it too.
   *
   * @throws KeyChangeRefused | KeysNotAnnounced
   */
  introduce(): Promise<LogKey> {
    return this.change('introduced', (keys) => keys.length + 1);
  }

  /**
   * Announces that a key is used no more. Checkpoints that cover the announcement are not signed with it.
   *
   * @throws KeyChangeRefused | KeysNotAnnounced
   */
  retire(generation: number): Promise<LogKey> {
    return this.change('retired', () => generation);
  }

  /**
   * The published announcements, each under a checkpoint that both whoever trusted the keys before it and whoever trusts those behind
   * it can verify: the first that has it, cosigned where that can be had.
   *
   * @throws KeysNotAnnounced | StoreUnavailable
   */
  async chain(): Promise<ProvenAnnouncement[]> {
    const chain: ProvenAnnouncement[] = [];
    const end = await this.options.published();
    const entries = await announcementEntries(this.store);
    for (const [i, entry] of entries.entries()) {
      const [at, next] = [entry.position, entries[i + 1]?.position];
      if (end === null || at > end.position) break;
      const over = await this.log.indexAt(at);
      const upTo = next === undefined || next > end.position ? end.size : await this.log.indexAt(next);
      if (over === null || upTo === null) break;
      const { needed, wanted } = this.options.cosigned;
      const checkpoint =
        (await this.log.firstCheckpoint({ over, upTo }, wanted)) ??
        (await this.log.firstCheckpoint({ over, upTo }, needed));
      const proof = await proveEntry(this.log, at, checkpoint);
      if (proof === null) break;
      chain.push({ leaf: leafText(entryText(entry)), proof });
    }
    return chain;
  }

  private async change(
    what: PlacedAnnouncement['what'],
    generationOf: (keys: readonly LogKey[]) => number,
  ): Promise<LogKey> {
    const end = await laneEnd(this.store, KEYS_LANE);
    const keys = await signedHistory(this.store, this.log, this.identity);
    assertOwn(this.identity, inForce(keys));
    const before = keys.flatMap(({ introduced, retired }) => [introduced, retired]).filter((one) => one !== null);
    const published = (await this.options.published())?.position ?? 0;
    // Each change has a checkpoint of its own, signed with the keys before it and behind it: the way from one to the other.
    if (before.some(({ position }) => position > published))
      throw new KeyChangeRefused('the change before this one waits for its checkpoint; try again in a moment');

    const generation = generationOf(keys);
    const key = keys[generation - 1]?.key ?? keyOf(this.identity, generation);
    const now = this.options.clock.now();
    const changed = announce(keys, {
      what,
      generation,
      key,
      announcedAt: isoTime(now),
      position: Number.MAX_SAFE_INTEGER,
    });
    const entry = ledgerEntry(what === 'introduced' ? KEY_INTRODUCED : KEY_RETIRED, now, {
      generation,
      key: formatVerifierKey(key),
    });
    try {
      await appendBehind(this.store, KEYS_LANE, end, [entry]);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      throw new KeyChangeRefused('somebody else has just changed the keys; look at what they are now', {
        cause: error,
      });
    }
    return changed[generation - 1]!;
  }
}
