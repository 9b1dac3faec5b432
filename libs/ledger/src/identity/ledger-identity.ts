import { setTimeout as pause } from 'node:timers/promises';
import {
  foundingData,
  foundLedger,
  LEDGER_FOUNDED,
  ledgerEntry,
  StoreNotOurs,
  type AppendWatch,
  type AuthenticStore,
  type FoundedLedger,
} from '@sijill/event-store';
import type { LogStore } from '@sijill/notary';
import {
  FileReplaced,
  PartBehind,
  PartOfAnother,
  within,
  type Clock,
  type LedgerPart,
  type Logger,
  type Mark,
} from '@sijill/platform';
import { assertAsFar, assertDecided, type Deciding } from './assert-as-far.js';
import { assertOneLedger, type Belonging, type LedgerParts } from './assert-one-ledger.js';

const EVERY_MS = 5_000;
/** A process that stops waits no longer for its last look. */
const LAST_LOOK_MS = 2_000;

/** The parts of a ledger that is open: all of them are there. */
export interface OpenParts extends LedgerParts {
  readonly vault: LedgerPart;
  readonly database: LedgerPart;
  readonly readModels: LedgerPart;
  readonly log: LogStore;
}

/**
 * Which ledger this process has open, and that its parts are still those of one: looked at before the ledger is used, whenever a connection
 * to the store begins anew, and every few seconds. While they are not, nothing is written.
 */
export class LedgerIdentity implements AppendWatch {
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;
  private checking: Promise<void> | null = null;
  private lastAppended: Mark | null = null;
  private wrong: string | null = null;
  private deciding: Deciding | null = null;
  /** How often the ledger had lost the end of its store when it was opened here. */
  private losses: number | null = null;

  constructor(
    private readonly store: () => AuthenticStore,
    private readonly parts: OpenParts,
    private readonly belonging: Belonging,
    private readonly options: { readonly clock: Clock; readonly logger: Logger },
  ) {}

  /** Why nothing is written now; null when all is as it should be. */
  get failure(): string | null {
    return this.wrong;
  }

  /** @throws StoreNotOurs */
  assertMayAppend(): void {
    if (this.wrong !== null) throw new StoreNotOurs(this.wrong);
  }

  appended(last: Mark): void {
    if (last.position > (this.lastAppended?.position ?? 0)) this.lastAppended = last;
  }

  /**
   * Founds a new ledger, or finds that everything which was opened is one ledger's and as far as the others.
   *
   * @returns what holds of it
   * @throws StoreNotOurs | PartOfAnother | PartBehind | StoreUnavailable | StoreRefused | DatabaseUnavailable
   */
  async establish(deciding: Deciding): Promise<FoundedLedger> {
    const { parts, belonging } = this;
    const store = this.store();
    let founded = await this.assertOne();
    if (founded === null) {
      await this.found();
      founded = (await this.assertOne())!;
    }
    this.losses = founded.losses;
    for (const part of [parts.vault, parts.database, parts.readModels, parts.log.part])
      await part.belongTo(belonging.ledgerId);
    await assertAsFar(store, deciding, parts.readModels, parts.log);
    this.deciding = deciding;
    return founded;
  }

  /**
   * Looks again. Several who ask at once share one look, which begins after each of them has asked.
   *
   * @throws StoreNotOurs | PartOfAnother | PartBehind | StoreUnavailable | StoreRefused | DatabaseUnavailable
   */
  async check(): Promise<void> {
    if (this.deciding === null) return;
    await this.checking?.catch(() => undefined);
    await (this.checking ??= this.look().finally(() => (this.checking = null)));
  }

  /** The same, for the store: whatever is wrong, it is not to be used. @throws StoreUnavailable | StoreRefused | DatabaseUnavailable */
  async confirm(): Promise<void> {
    try {
      await this.check();
    } catch (error) {
      throw isWrong(error) ? new StoreNotOurs(error.message, { cause: error }) : error;
    }
  }

  /** Looks every few seconds until it is stopped. */
  start(): void {
    this.running ??= this.watch();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    if (this.wrong !== null) return;
    // What the store has lost since this process looked last must not be noted as known: others may have accepted that meanwhile.
    const noted = this.check().then(() => this.note());
    await within(
      LAST_LOOK_MS,
      noted.catch(() => undefined),
      () => undefined,
    );
  }

  private async watch(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await pause(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      // What is wrong is noted where it is found; what is out of reach, others tell of.
      await this.check()
        .then(() => this.note())
        .catch(() => undefined);
    }
  }

  private async look(): Promise<void> {
    try {
      await this.assertOne();
      await assertDecided(this.store(), this.deciding!);
      this.become(null);
    } catch (error) {
      if (isWrong(error)) this.become(error.message);
      throw error;
    }
  }

  private assertOne(): Promise<FoundedLedger | null> {
    const own = this.lastAppended === null ? [] : [{ ...this.lastAppended, by: 'this process' }];
    return assertOneLedger(this.store(), this.parts, this.belonging, own, this.losses ?? undefined);
  }

  private async found(): Promise<void> {
    const { parts, belonging, options } = this;
    const { ledgerId, keyring, origin } = belonging;
    const [vault, database, log] = await Promise.all([
      parts.vault.state(),
      parts.database.state(),
      parts.log.part.state(),
    ]);
    const founding = {
      ledgerId,
      keyring,
      vault: vault.id,
      database: database.id,
      log: { id: log.id, origin },
      losses: 0,
    };
    await foundLedger(this.store(), ledgerEntry(LEDGER_FOUNDED, options.clock.now(), foundingData(founding)));
  }

  /**
   * Has vault and database know how far the store was: they are in other backups than the read models and the log. And the database, how far
   * the vault's epoch is.
   */
  private async note(): Promise<void> {
    const { vault, access } = this.deciding ?? {};
    if (vault && access) await access.noteVaultEpoch(await vault.epoch());
    const { mark, vaultSequence } = await this.parts.readModels.state();
    const newest = [mark, this.lastAppended].filter((each) => each !== null).sort((a, b) => b.position - a.position)[0];
    if (newest === undefined) return;
    for (const part of [this.parts.vault, this.parts.database]) {
      const known = (await part.state()).mark?.position ?? 0;
      if (known < newest.position) await part.note(newest, vaultSequence);
    }
  }

  private become(wrong: string | null): void {
    if (wrong === this.wrong) return;
    this.wrong = wrong;
    if (wrong === null) this.options.logger.info('store, vault, databases and log are those of one ledger again');
    else
      this.options.logger.fatal({ why: wrong }, 'nothing is taken in and nothing signed: this is not one whole ledger');
  }
}

function isWrong(error: unknown): error is Error {
  return [StoreNotOurs, PartOfAnother, PartBehind, FileReplaced].some((kind) => error instanceof kind);
}
