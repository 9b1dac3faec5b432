import { entryText, laneEnd, leafText, type EventStore } from '@sijill/event-store';
import type { Clock } from '@sijill/platform';
import { KEYS_LANE, keysNamed, type ProvenAnnouncement, type VerifierKey } from '@sijill/transparency';
import type { LogStore, SignedCheckpoint } from '../log-store.js';
import { proveEntry } from '../prove.js';
import { announceKey, assertSigns, type KeyChange } from './announce-key.js';
import { keyHistory, keyOf, ownKeys, signedHistory, type LogIdentity } from './announced-signer.js';
import { announcementEntries, assertOneInForce, inForce, KeyChangeRefused, type LogKey } from './log-key.js';

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

  /** Every key that the log has announced; none before its notary has begun. @throws KeysNotAnnounced */
  all(): Promise<readonly LogKey[]> {
    return keyHistory(this.store, this.identity.origin);
  }

  /** Whether there is any checkpoint. */
  async hasSigned(): Promise<boolean> {
    return (await this.log.checkpoint()) !== null;
  }

  /**
   * The keys that the last checkpoint that is given away is signed with, in the name that it is signed in; before there is one, the key
   * that the log begins with.
   *
   * @throws KeysNotAnnounced
   */
  async published(): Promise<VerifierKey[]> {
    const all = await this.all();
    const position = (await this.options.published())?.position ?? all[0]?.introduced.position ?? 0;
    const keys = inForce(all, position).map(({ key }) => key);
    return keysNamed(this.identity.origin, keys);
  }

  /**
   * Announces the next key, once it has shown that it signs: a log whose key does not could not go on. Checkpoints that cover the
   * announcement are signed with it too.
   *
   * @throws KeyChangeRefused | KeysNotAnnounced | SignerFailed
   */
  introduce(): Promise<LogKey> {
    return this.change(async (keys) => {
      assertOneInForce(keys);
      await ownKeys(this.identity, inForce(keys));
      const generation = keys.length + 1;
      const signer = await this.identity.keys.newKey(generation);
      await assertSigns(signer);
      return { what: 'introduced', generation, key: keyOf(this.identity.origin, signer) };
    });
  }

  /**
   * Announces that a key is used no more. Checkpoints that cover the announcement are not signed with it. The key itself is not needed:
   * so one that was lost is retired.
   *
   * @throws KeyChangeRefused | KeysNotAnnounced | SignerFailed
   */
  retire(generation: number): Promise<LogKey> {
    return this.change(async (keys) => {
      const key = keys[generation - 1]?.key;
      if (key === undefined) throw new KeyChangeRefused(`the log does not sign with a key of generation ${generation}`);
      await ownKeys(
        this.identity,
        inForce(keys).filter((other) => other.generation !== generation),
      );
      return { what: 'retired', generation, key };
    });
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
      // What the log begins with is proven to nobody: who trusts that key begins behind it.
      const least = i === 0 ? 0 : needed;
      const checkpoint =
        (await this.log.firstCheckpoint({ over, upTo }, wanted)) ??
        (await this.log.firstCheckpoint({ over, upTo }, least));
      const proof = await proveEntry(this.log, at, checkpoint);
      if (proof === null) break;
      chain.push({ leaf: leafText(entryText(entry)), proof });
    }
    return chain;
  }

  private async change(decide: (keys: readonly LogKey[]) => Promise<KeyChange>): Promise<LogKey> {
    const end = await laneEnd(this.store, KEYS_LANE);
    const keys = await signedHistory(this.store, this.log, this.identity.origin);
    if (keys.length === 0)
      throw new KeyChangeRefused(
        'the log has no key yet; it announces the one that it begins with when its notary starts',
      );
    const before = keys.flatMap(({ introduced, retired }) => [introduced, retired]).filter((one) => one !== null);
    const published = (await this.options.published())?.position ?? 0;
    // Each change has a checkpoint of its own, signed with the keys before it and behind it: the way from one to the other.
    if (before.some(({ position }) => position > published))
      throw new KeyChangeRefused('the change before this one waits for its checkpoint; try again in a moment');
    return announceKey(this.store, end, keys, await decide(keys), this.options.clock);
  }
}
