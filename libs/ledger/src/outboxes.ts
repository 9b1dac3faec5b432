import { setTimeout as pause } from 'node:timers/promises';
import { drainOutbox, LANES, type EventStore, type NewEntry, type OutboxSource } from '@sijill/event-store';
import { backOff, type Logger } from '@sijill/platform';
import type { Vault } from '@sijill/vault';

const EVERY_MS = 500;
const PAUSES_MS = { first: 500, longest: 10_000 };

/**
 * Brings into the store what vault and access have decided: what is to be an entry waits in their own databases, from the transaction
 * that decides it. Any process does, and several may at once.
 *
 * A crash leaves what waits where it is; whoever starts next brings it in.
 */
export class Outboxes {
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;
  private draining: Promise<number> | null = null;

  constructor(
    private readonly store: EventStore,
    vault: Pick<Vault, 'outbox' | 'assertReached'>,
    access: OutboxSource,
    private readonly logger: Logger,
  ) {
    this.sources = [
      [LANES.vault, vaultOutbox(vault)],
      [LANES.access, access],
    ];
  }

  private readonly sources: readonly (readonly [lane: string, source: OutboxSource])[];

  /** Looks again and again until it is stopped. */
  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.draining?.catch(() => undefined);
  }

  /**
   * Brings in what waits now, and returns how many entries that were.
   *
   * @throws StoreUnavailable | StoreRefused | DatabaseUnavailable
   */
  async drain(): Promise<number> {
    // Whoever comes while one is under way may have decided something since it looked: it waits, and looks again.
    await this.draining?.catch(() => undefined);
    this.draining ??= this.drainAll().finally(() => (this.draining = null));
    return this.draining;
  }

  private async drainAll(): Promise<number> {
    let entries = 0;
    for (const [lane, source] of this.sources) entries += await drainOutbox(this.store, lane, source);
    return entries;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.drain();
        failures = 0;
      } catch (error) {
        this.logger.warn(
          { err: error },
          'what waits to be an entry cannot be brought into the store; it is tried again',
        );
        failures += 1;
      }
      const wait = failures === 0 ? EVERY_MS : backOff(failures, PAUSES_MS);
      await pause(wait, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
}

/** The vault knows nothing of stores; its rows are their entries' JSON. */
export function vaultOutbox(vault: Pick<Vault, 'outbox' | 'assertReached'>): OutboxSource {
  return {
    pending: async (after, limit) =>
      (await vault.outbox.pending(after, limit)).map(({ number, entry }) => ({
        number,
        entry: JSON.parse(entry) as NewEntry,
      })),
    done: (upTo) => vault.assertReached(upTo),
  };
}
