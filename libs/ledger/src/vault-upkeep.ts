import { setTimeout as pause } from 'node:timers/promises';
import type { Claim, Clock, Logger, Metrics } from '@sijill/platform';
import { KeyringUnusable, type Vault } from '@sijill/vault';

const EVERY_MS = 5_000;
/** Between two commits of a hundred rows: others change the vault meanwhile. */
const PAUSE_MS = 50;
const DAY_MS = 86_400_000;

export interface VaultUpkeepOptions {
  /** Of those that share the vault one at a time brings it to new keys. */
  readonly claim: Claim;
  /** How many days after the end of its quarter the key of its tags is destroyed. */
  readonly tagDays: number;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** How many keys and identifiers are still made with keys before the current ones. */
interface Left {
  readonly wrapping: number;
  readonly index: number;
}

/**
 * What the vault needs now and again: what was made with older keys is brought to the current ones, and the keys of quarters are destroyed
 * when their time has come, also when it came while nobody was there. What fails is tried again.
 */
export class VaultUpkeep {
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;
  private left: Left = { wrapping: 0, index: 0 };
  private missing: string | null = null;

  constructor(
    private readonly vault: Vault,
    private readonly options: VaultUpkeepOptions,
  ) {}

  /** Looks again and again until it is stopped. */
  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** For health answers: the key that this process lacks, if any, and what a rotation has left to do. */
  get health(): { readonly failure: string | null; readonly detail: string | null } {
    const { wrapping, index } = this.left;
    const rotating = `${wrapping} keys and ${index} identifiers are still to be brought to the current keys of the keyring`;
    return { failure: this.missing, detail: this.missing ?? (wrapping + index === 0 ? null : rotating) };
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    // A process that was killed may have left destroyed bytes in the write-ahead log.
    for (let isWiped = false; !signal.aborted; isWiped = this.vault.isWiped) {
      try {
        if (!isWiped) await this.vault.wipe();
        await this.pass();
        this.missing = null;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof KeyringUnusable) this.missing = error.message;
        this.options.logger.warn({ err: error }, 'the keys of the vault cannot be kept up; it is tried again');
      }
      await pause(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  private async pass(): Promise<void> {
    const { vault } = this;
    const { claim, clock, tagDays, logger } = this.options;
    await vault.refuseOldKeyring();
    const quarters = await vault.tags.destroy(clock.now() - tagDays * DAY_MS);
    if (quarters.length > 0) logger.info({ quarters }, 'the keys of the tags of these quarters were destroyed');
    const left = { wrapping: await vault.secrets.wrappedBefore(), index: await vault.directory.indexedBefore() };
    this.note(left);
    if (left.wrapping + left.index > 0 && !(await claim.take(() => undefined))) return;
    try {
      const wrapped = await vault.secrets.rewrap((done) => this.after({ ...left, wrapping: left.wrapping - done }));
      left.wrapping -= wrapped;
      const indexed = await vault.directory.reindex((done) => this.after({ ...left, index: left.index - done }));
      left.index -= indexed;
      if (wrapped + indexed > 0) logger.info({ wrapped, indexed }, 'the vault was brought to the current keys');
    } finally {
      await claim.release();
    }
  }

  private async after(left: Left): Promise<void> {
    this.note(left);
    await pause(PAUSE_MS, undefined, { signal: this.stopping.signal, ref: false });
  }

  private note(left: Left): void {
    this.left = left;
    this.options.metrics.vaultKeysLeft.set({ keys: 'wrapping' }, left.wrapping);
    this.options.metrics.vaultKeysLeft.set({ keys: 'index' }, left.index);
  }
}
