import { hmacOf, type Hmac } from '@sijill/platform';
import { KeyringUnusable } from './keyring-places/index.js';
import { behindLacking, rereadIfThere, type Keyring } from './keyring.js';
import type { Secrets } from './secrets.js';
import type { VaultDb, VaultSql, VaultTransaction } from './vault-sql.js';

/** What stands in the clear for something that must be found again: the same for the same, and for nobody without the key. */
export interface TagKey {
  /** The quarter of a year whose key this is, such as 2026Q3. */
  readonly generation: string;
  /** 128 bits, base64url. @param parts none of them holds a newline but the last */
  tag(kind: string, ...parts: readonly string[]): string;
  /** 256 bits, base64url: what a whole event says. */
  digest(text: string): string;
}

/**
 * The keys of tags and digests, one for each quarter of a year: that of the time at which an event happened, so that a repeat meets
 * its first. Each is made of a key of the keyring, which the name of its row tells, and of a secret in the vault, which is destroyed a
 * stated time after the quarter's end; from then on its tags tell nothing to anybody.
 *
 * A key that was destroyed is never made anew. What happened in a quarter that has none any more is tagged in the oldest that has: repeats of
 * it are recognized until that one is destroyed too, and a repeat of what was tagged before is another event.
 */
export class Tags {
  private readonly keys = new Map<string, TagKey>();

  constructor(
    private readonly vault: VaultSql,
    private readonly secrets: Secrets,
    private readonly keyring: Keyring,
  ) {
    vault.onEpoch(() => this.keys.clear());
  }

  /** The keys for some times, in milliseconds; durable when this returns. */
  async ready(times: Iterable<number>): Promise<(time: number) => TagKey> {
    const { epoch, tagsFrom } = await this.vault.look();
    const quarters = new Set<string>();
    for (const time of times) quarters.add(laterOf(generationOf(time), tagsFrom));
    const keys = new Map<string, TagKey>();
    for (const quarter of quarters) {
      const key = this.keys.get(quarter) ?? (await this.keyOf(quarter));
      // One that was destroyed while it was looked for is another's now.
      if (epoch === this.vault.epoch && key.generation === quarter) this.keys.set(quarter, key);
      keys.set(quarter, key);
    }
    return (time) => keys.get(laterOf(generationOf(time), tagsFrom))!;
  }

  /**
   * Destroys the keys of the quarters that ended a while ago, whether they were made or not.
   *
   * @param before a time in milliseconds: quarters that ended up to then
   * @returns the quarters whose key was destroyed, sorted
   */
  async destroy(before: number): Promise<readonly string[]> {
    const oldest = generationOf(before);
    if (oldest <= (await this.vault.look()).tagsFrom) return [];
    return this.vault.change(async ({ trx, before: { tagsFrom }, bringTo, destroys }) => {
      if (oldest <= tagsFrom) return [];
      bringTo({ tagsFrom: oldest });
      const rows = await trx
        .deleteFrom('vault_key')
        .where('holder', '>', HOLDER)
        .where('holder', '<', HOLDER + oldest)
        .returning('holder')
        .execute();
      if (rows.length > 0) destroys();
      return rows.map(({ holder }) => holder.split('/')[1]!).sort();
    });
  }

  /** The ids of the tag keys of the keyring that quarters need. */
  async keyIds(): Promise<string[]> {
    const rows = await this.vault.sql.reader
      .selectFrom('vault_key')
      .select('holder')
      .where('holder', '>', HOLDER)
      .where('holder', '<', AFTER_HOLDER)
      .execute();
    return [...new Set(rows.map(({ holder }) => holder.split('/')[2]!))];
  }

  /** The key of a quarter; of the oldest that has one, when it was destroyed meanwhile. */
  private async keyOf(quarter: string): Promise<TagKey> {
    const there = await this.find(this.vault.sql.reader, quarter);
    if (there !== null) return there;
    return this.vault.change(async ({ trx, before: { tags, tagsFrom } }) => {
      const wanted = laterOf(quarter, tagsFrom);
      const found = await this.find(trx, wanted);
      if (found !== null) return found;
      return this.mixed(wanted, tags, await this.secrets.make(trx, `${HOLDER}${wanted}/${tags}`));
    });
  }

  private async find(db: VaultDb | VaultTransaction, quarter: string): Promise<TagKey | null> {
    const row = await db
      .selectFrom('vault_key')
      .select('holder')
      .where('holder', '>', `${HOLDER}${quarter}/`)
      .where('holder', '<', `${HOLDER}${quarter}0`)
      .executeTakeFirst();
    if (row === undefined) return null;
    const secret = await this.secrets.bytesIn(db, row.holder);
    return secret === null ? null : this.mixed(quarter, row.holder.split('/')[2]!, secret);
  }

  private async mixed(quarter: string, keyId: string, secret: Buffer): Promise<TagKey> {
    if (!this.keyring.tags.keys.has(keyId)) await rereadIfThere(this.keyring);
    const key = this.keyring.tags.keys.get(keyId);
    if (key === undefined)
      throw new KeyringUnusable(
        `the keyring has no tag key ${keyId}, which the tags of ${quarter} need${behindLacking(this.keyring, '; put the newest keyring back')}`,
      );
    const bytes = Buffer.from(hmacOf('sha512', key)(`${quarter}\n${secret.toString('base64url')}`, 'binary'), 'latin1');
    return tagKey(quarter, hmacOf('sha256', bytes.subarray(0, 32)), hmacOf('sha256', bytes.subarray(32)));
  }
}

/** The holders of quarters' secrets: `tags/<quarter>/<tag key of the keyring>`. */
const HOLDER = 'tags/';
const AFTER_HOLDER = 'tags0';
const TAG_LENGTH = 22;

function tagKey(generation: string, tags: Hmac, digests: Hmac): TagKey {
  return {
    generation,
    tag: (kind, ...parts) => tags([kind, ...parts].join('\n'), 'base64url').slice(0, TAG_LENGTH),
    digest: (text) => digests(text, 'base64url'),
  };
}

/** The quarter of a year in which a time lies, in UTC. @param time in milliseconds */
export function generationOf(time: number): string {
  const at = new Date(time);
  // Four digits always: which of two quarters came first is seen from their names.
  return `${String(at.getUTCFullYear()).padStart(4, '0')}Q${Math.floor(at.getUTCMonth() / 3) + 1}`;
}

function laterOf(one: string, other: string): string {
  return one > other ? one : other;
}
