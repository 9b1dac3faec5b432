import { existsSync, mkdirSync } from 'node:fs';
import { Access, ConsultationLog, LedgerSeals, type ApiKeys, type Limits, type Producers } from '@sijill/access';
import {
  Confirmations,
  DualControl,
  Separating,
  separationWhenConfirmed,
  Unsealing,
  unsealWhenConfirmed,
} from '@sijill/cases';
import {
  assertEdition,
  authenticStore,
  Lane,
  type AuthenticStore,
  type EventStore,
  type KeylessStore,
} from '@sijill/event-store';
import { EntryMaker, Quarantine, QuarantineDesk, SeenEvents, type EntryCatalogue } from '@sijill/intake';
import {
  LogKeys,
  LogStore,
  MapStore,
  provenLosses,
  ReceiptKeys,
  signingKeysAt,
  SubjectProofs,
  type SignedCheckpoint,
  type Witness,
  type WitnessPolicy,
} from '@sijill/notary';
import {
  claimOf,
  clockOf,
  Metrics,
  type Claim,
  type Clock,
  type Config,
  type LedgerPart,
  type Logger,
  type ProcessRole,
} from '@sijill/platform';
import { knownEvents, locateEntry, ReadModels, replayOf, storedEntry } from '@sijill/read-models';
import { ReportDesk } from '@sijill/reports';
import { logName, type ProvenAnnouncement, type Signer } from '@sijill/transparency';
import { Vault } from '@sijill/vault';
import { authenticatorOf } from './authenticator-for.js';
import { DiskReserve } from './disk-reserve.js';
import { ForeignEvents } from './foreign-events.js';
import { LedgerIdentity } from './identity/ledger-identity.js';
import { keyringFor } from './keyring-for.js';
import { NoLedger } from './no-ledger.js';
import { openStore } from './open-store.js';
import { openWitness, witnessesOf } from './open-witness.js';
import { Outboxes } from './outboxes.js';
import { readyLogKeys, receiptSigner } from './ready-keys.js';
import { sqlTarget } from './sql-target.js';
import { VaultUpkeep } from './vault-upkeep.js';

/** Everything of one ledger, opened and wired: what a server and a command have in common. */
export interface Ledger {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly store: AuthenticStore;
  /** The same, for what takes events in: it refuses before the disk is full. */
  readonly intakeStore: EventStore;
  readonly vault: Vault;
  readonly readModels: ReadModels;
  readonly keys: ApiKeys;
  readonly producers: Producers;
  /** How often one principal may do what shows people. */
  readonly limits: Limits;
  /** What needs a second person, as all servers of the ledger were told. */
  readonly dualControl: DualControl;
  /** What one person asked for and another answers. */
  readonly confirmations: Confirmations;
  readonly unsealing: Unsealing;
  readonly separating: Separating;
  /** Which ledger this is, and whether all its parts are still of it. */
  readonly identity: LedgerIdentity;
  /** Brings what vault and access have decided into the store. */
  readonly outboxes: Outboxes;
  /** Brings the vault to new keys, and destroys those whose time has come. */
  readonly upkeep: VaultUpkeep;
  /** What stands in the ledger's streams and is not the ledger's. */
  readonly foreign: ForeignEvents;
  readonly maker: EntryMaker;
  readonly seen: SeenEvents;
  readonly quarantine: Quarantine;
  readonly quarantineDesk: QuarantineDesk;
  readonly consultations: ConsultationLog;
  readonly reports: ReportDesk;
  /** The transparency log over the store, and what it signs with. */
  readonly log: {
    readonly store: LogStore;
    readonly keys: LogKeys;
    /** What receipts are signed with, and the keys that the log has announced for them. */
    readonly receipts: { signer(): Promise<Signer>; readonly keys: ReceiptKeys };
    /** Who is asked to cosign; null when nobody is. */
    readonly witnesses: WitnessPolicy | null;
    /** The last checkpoint that is given away: with a closed policy, the last that has its quorum. Null when there is none. */
    published(): Promise<SignedCheckpoint | null>;
    /** What was lost of the store and put on record, proven under that. */
    losses(): Promise<ProvenAnnouncement[]>;
  };
  /** Cosigns other logs, where this process has that role. */
  readonly witness: Witness | null;
  /** The map of subjects behind the log. */
  readonly subjectMap: MapStore;
  /** The lane for entries that this process writes by itself, opened when it is first asked for. */
  readonly ownLane: () => Promise<Lane>;
  /** Held by one process of this node as long as it runs. */
  readonly nodeClaim: Claim;
  /** Lets what is under way become durable and closes everything, the store last. */
  close(): Promise<void>;
}

/** What a ledger is opened from; `ledger`: whether these are one. */
export type OpeningPart = 'store' | 'vault' | 'database' | 'ledger' | 'signer';

export interface LedgerOptions {
  readonly logger: Logger;
  /** The lane for entries that this process writes by itself. */
  readonly ownLane: string;
  /** The roles that this process plays, as a server does; a command plays none, and needs no key that signs. */
  readonly roles?: readonly ProcessRole[];
  readonly metrics?: Metrics;
  readonly clock?: Clock;
  /** Whether a ledger is made where there is none: as a rule. Whoever reads one makes none. */
  readonly mayBeNew?: boolean;
  /** Told of each part before it is asked: the one before it has answered. */
  readonly onOpening?: (part: OpeningPart) => void;
}

/**
 * Opens a ledger from its configuration. What was opened is closed again when a later part cannot be.
 *
 * @throws NoLedger | KeyringUnusable | VaultLost | StoreUnavailable | StoreRefused | DatabaseUnavailable | SignerFailed
 * @throws StoreNotOurs | PartOfAnother | PartBehind its parts are not those of one ledger, or not all of them as far as the others
 */
export async function openLedger(config: Config, options: LedgerOptions): Promise<Ledger> {
  const { logger, roles = [], metrics = new Metrics(), clock = clockOf(config), mayBeNew = true } = options;
  const { eventStore } = config;
  if (!mayBeNew && eventStore.kind === 'embedded' && !existsSync(eventStore.file)) throw new NoLedger(config);
  const opening = options.onOpening ?? ((): void => undefined);
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    opened.unshift(part);
    return part;
  };
  const closeAll = async (): Promise<void> => {
    for (const part of opened) await part.close();
  };
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  try {
    const foreign = new ForeignEvents(metrics, logger);
    opening('store');
    const keyless = keep(await openStore(config, logger, () => identity.confirm()));
    await assertEdition(keyless);
    opening('vault');
    const keyring = await keyringFor(config, keyless, clock, logger, mayBeNew);
    opening('database');
    const logStore = keep(await LogStore.open(sqlTarget(config, 'notary')));
    const readModels = keep(
      await ReadModels.open(sqlTarget(config, 'read-models'), clock, {
        onForeign: (events) => foreign.note(events),
        onVaultSequence: (sequence) => vault.assertReached(sequence),
      }),
    );
    opening('vault');
    const vaultAt = [sqlTarget(config, 'vault'), keyring, clock, config.defaultRegion] as const;
    const isNew = await isNowhere(keyless, [logStore.part, readModels.part]);
    if (isNew && !mayBeNew) throw new NoLedger(config);
    const vault = keep(await (isNew ? Vault.open(...vaultAt) : Vault.openExisting(...vaultAt)));
    opening('database');
    const seals = new LedgerSeals(vault, clock);
    const access = keep(await Access.open(sqlTarget(config, 'access'), config, clock, seals));
    const { keys, producers } = access;
    // Before anything is written under one of them.
    await vault.takeAuthenticators();
    const origin = config.logOrigin ?? keyring.logName;
    const parts = { vault: vault.part, database: access.part, readModels: readModels.part, log: logStore };
    const belonging = { ledgerId: keyring.ledgerId, keyring: keyring.fingerprint, origin };
    const identity = new LedgerIdentity(() => store, parts, belonging, { clock, logger });
    const store = authenticStore(keyless, authenticatorOf(keyring, vault), identity);
    const outboxes = new Outboxes(store, vault, access.outbox, logger);
    opening('ledger');
    const { losses } = await identity.establish({ vault, access });
    const intakeStore =
      config.eventStore.kind === 'embedded'
        ? keep(await DiskReserve.open(config.dataDir, config.diskReserveBytes)).guard(store)
        : store;
    const claim = claimOf(sqlTarget(config, 'vault-claim'), 'sijill vault');
    const upkeep = new VaultUpkeep(vault, { claim, tagDays: config.tagDays, clock, metrics, logger });
    const subjectMap = keep(await MapStore.open(sqlTarget(config, 'subject-map')));
    const witnesses = witnessesOf(config);
    const cosigned = config.witnesses?.policy === 'closed' ? config.witnesses.quorum : 0;
    const published = (): Promise<SignedCheckpoint | null> => logStore.checkpoint(cosigned);
    const signing = { origin: logName({ began: origin, losses }), keys: signingKeysAt(config.logSigner, clock) };
    const log: Ledger['log'] = {
      store: logStore,
      keys: new LogKeys(store, logStore, signing, {
        clock,
        published,
        cosigned: { needed: cosigned, wanted: witnesses?.quorum ?? 0 },
      }),
      receipts: {
        signer: () => receiptSigner(config, clock, logger),
        keys: new ReceiptKeys(store, logStore, { clock, published }),
      },
      witnesses,
      published,
      losses: async () => provenLosses(store, logStore, await published()),
    };
    if (roles.includes('notary')) await readyLogKeys(config, log.keys, clock, logger);
    if (roles.includes('witness')) opening('signer');
    const witness = roles.includes('witness') ? keep(await openWitness(config, keyring, clock, logger)) : null;
    opening('database');
    const ownLane = keep(new OwnLane(store, options.ownLane));
    const lane = (): Promise<Lane> => ownLane.open();

    const catalogue: EntryCatalogue = {
      position: async () => (await readModels.asOf('entries')).position,
      known: (events) => knownEvents(readModels.sql.reader, events),
      locate: (entryId) => locateEntry(readModels.sql.reader, entryId),
      replayOf: (entryId) => replayOf(readModels.sql.reader, entryId),
    };
    const maker = new EntryMaker(vault, clock);
    const quarantine = new Quarantine(vault, clock);
    const speakerOf = (producer: string): ReturnType<Producers['speakerOf']> => producers.speakerOf(producer);
    const context = { limits: config.limits, defaultRegion: config.defaultRegion, speakerOf };
    const limits = access.limits(config.readingLimits);
    const consultations = new ConsultationLog(vault, lane, clock);
    const dualControl = new DualControl(vault, config);
    const confirmations = new Confirmations(
      vault,
      keys,
      { separation: separationWhenConfirmed, unseal: unsealWhenConfirmed },
      clock,
      config,
    );
    const quarantineDesk = new QuarantineDesk(store, quarantine, catalogue, maker, lane, clock, context);
    const sources = {
      entry: async (entryId: string) => {
        await readModels.freshAsOf('entries');
        return storedEntry(readModels.sql.reader, store, vault.secrets, entryId);
      },
      raw: (entryId: string) => quarantineDesk.raw(entryId),
    };
    const nodeClaim = claimOf(sqlTarget(config, 'node-claim'), `sijill node ${config.nodeId}`);
    opened.unshift({ close: () => nodeClaim.release() });
    const reports = keep(
      await ReportDesk.open(sqlTarget(config, 'reports'), {
        dataDir: config.dataDir,
        node: config.nodeId,
        vault,
        readModels,
        proofs: new SubjectProofs(store, logStore, subjectMap, log.published),
        lane,
        clock,
        logger,
      }),
    );
    return {
      config,
      clock,
      logger,
      metrics,
      store,
      intakeStore,
      vault,
      readModels,
      keys,
      producers,
      limits,
      dualControl,
      confirmations,
      unsealing: new Unsealing(sources, vault, confirmations, dualControl, limits, consultations),
      separating: new Separating(vault, confirmations, dualControl),
      nodeClaim,
      identity,
      outboxes,
      upkeep,
      foreign,
      maker,
      quarantine,
      reports,
      ownLane: lane,
      log,
      witness,
      subjectMap,
      seen: new SeenEvents(catalogue),
      quarantineDesk,
      consultations,
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Whether nothing is there yet that a vault would have to be there for. */
async function isNowhere(store: KeylessStore, parts: readonly LedgerPart[]): Promise<boolean> {
  if ((await store.head()) > 0) return false;
  for (const part of parts) if ((await part.state()).ledgerId !== null) return false;
  return true;
}

/** The lane that a process writes its own entries to; several processes may share it, only the order counts. */
class OwnLane {
  private opening: Promise<Lane> | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly name: string,
  ) {}

  async open(): Promise<Lane> {
    const lane = await (this.opening ??= this.openNow());
    if (lane.failure === null) return lane;
    // It stopped over something that may have passed (rights, a store that was replaced): the next caller tries again.
    return (this.opening = this.openNow());
  }

  async close(): Promise<void> {
    if (this.opening !== null) await this.opening.then((lane) => lane.close()).catch(() => undefined);
  }

  private openNow(): Promise<Lane> {
    const opening = Lane.open(this.store, this.name, { onOtherWriter: 'follow', whenFull: 'refuse' });
    opening.catch(() => (this.opening = null));
    return opening;
  }
}
