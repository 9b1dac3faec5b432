import { hmacOf, type Hmac } from '@sijill/platform';
import type { Keyring } from './keyring.js';
import type { Secrets } from './secrets.js';
import type { VaultSql } from './vault-sql.js';

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
 * its first. Each is made of a key of the keyring and of a secret in the vault, which is destroyed a stated time after the quarter's
 * end; from then on its tags tell nothing to anybody.
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
    const generations = new Set<string>();
    for (const time of times) generations.add(generationOf(time));
    const keys = new Map<string, TagKey>();
    for (const generation of generations) {
      const { epoch } = this.vault;
      const key = this.keys.get(generation) ?? (await this.keyOf(generation));
      if (epoch === this.vault.epoch) this.keys.set(generation, key);
      keys.set(generation, key);
    }
    return (time) => keys.get(generationOf(time))!;
  }

  private async keyOf(generation: string): Promise<TagKey> {
    const secret = await this.secrets.bytesOf(`tags/${generation}`);
    const { current, keys } = this.keyring.tags;
    const mixed = hmacOf('sha512', keys.get(current)!)(`${generation}\n${secret.toString('base64url')}`, 'binary');
    const bytes = Buffer.from(mixed, 'latin1');
    return tagKey(generation, hmacOf('sha256', bytes.subarray(0, 32)), hmacOf('sha256', bytes.subarray(32)));
  }
}

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
  return `${at.getUTCFullYear()}Q${Math.floor(at.getUTCMonth() / 3) + 1}`;
}
