import { setTimeout as pause } from 'node:timers/promises';
import { LedgerSeals, type ActingReader } from '@sijill/access';
import {
  appendBehind,
  foundingData,
  laneEnd,
  LANES,
  ledgerEntry,
  StoreNotOurs,
  type AuthenticStore,
  type FoundedLedger,
  type Founding,
  type JsonObject,
} from '@sijill/event-store';
import { GrowingLog, MapStore, type LogStore } from '@sijill/notary';
import { claimOf, clockOf, newEntryId, type Claim, type Clock, type Config, type Logger } from '@sijill/platform';
import type { ReadModels } from '@sijill/read-models';
import { LEDGER_RESTORED } from '@sijill/transparency';
import { sqlTarget } from '../sql-target.js';
import { assertSameLedger, knownOf } from './assert-one-ledger.js';
import { findLost, type Lost } from './find-loss.js';
import { withParts, type PartsFound } from './open-parts.js';

/** A loss cannot be accepted: there is none, a part is not there, or somebody is at work. The message says what to do. */
export class LossRefused extends Error {
  override readonly name = 'LossRefused';
}

export interface LossWanted {
  readonly reason: string;
  /** Finds who accepts it, by the keys of this ledger. */
  readonly by: (access: NonNullable<PartsFound['access']>) => Promise<ActingReader>;
  /** Told what is done, and how far it is. */
  readonly onProgress?: (what: 'comparing' | 'growing the log' | 'reading', done: number, of: number) => void;
}

export interface LossAccepted {
  readonly entryId: string;
  /** How often the end of the store was lost by now. */
  readonly losses: number;
  readonly lost: Lost;
}

const CLAIM_MS = 3_000;

/** All parts of one ledger, there and of one ledger. */
type AllParts = { readonly [P in keyof PartsFound]: NonNullable<PartsFound[P]> };

/**
 * Puts on record what a ledger has lost, and has it go on from what is left. First the entry is written, which names who accepts it, why, and
 * what is lost; then vault, keys and databases are brought to where the store is, the read models are read again, and last the log begins
 * anew where entries are lost that it had. Cut short, it is finished by being asked for again.
 *
 * @throws LossRefused | ChangedNotLost | PartOfAnother | PartBehind | StoreUnavailable | StoreRefused | DatabaseUnavailable
 */
export function acceptLoss(config: Config, logger: Logger, wanted: LossWanted): Promise<LossAccepted> {
  return withParts(config, logger, async (found) => {
    const all = allOf(found);
    const by = await wanted.by(all.access);
    const claim = claimOf(sqlTarget(config, 'notary-claim'), 'sijill notary');
    if (!(await taken(claim)))
      throw new LossRefused(
        'a server of this ledger is running, and keeps its log. Stop all servers of this ledger, and try again',
      );
    try {
      const founded = await assertSameLedger(all.store, all.parts, all.belonging);
      if (founded === null && (await all.store.head()) > 0)
        throw new StoreNotOurs(
          "the event store holds entries that are not this ledger's: set SIJILL_EVENT_STORE to the right one",
        );
      const before = founded ?? (await foundingOf(all));
      const begun = await all.log.losses();
      const isCutShort = founded !== null && founded.losses > begun;
      const entry = isCutShort
        ? founded.entry
        : await record(all, { ...before, losses: begun }, wanted, by, clockOf(config));
      const lost = entry.data['lost'] as unknown as Lost;
      await goOn(config, all, lost, Number(entry.data['losses'] ?? 0), wanted.onProgress);
      return { entryId: entry.id, losses: Number(entry.data['losses'] ?? 0), lost };
    } finally {
      await claim.release();
    }
  });
}

/** A notary that has just ended, or only looks, gives its claim back in a moment. */
async function taken(claim: Claim): Promise<boolean> {
  for (const until = Date.now() + CLAIM_MS; Date.now() < until; await pause(100))
    if (await claim.take(() => undefined)) return true;
  return false;
}

function allOf(found: PartsFound): AllParts {
  const missing = (['store', 'vault', 'access', 'readModels', 'log'] as const).filter((name) => found[name] === null);
  if (missing.length > 0)
    throw new LossRefused(
      `of this ledger ${missing.join(', ')} cannot be found here: set SIJILL_DATA_DIR to where it lies; a part that is wholly gone is put back from a backup, ` +
        'however old, and what that lacks can be accepted as lost',
    );
  return found as AllParts;
}

/** What was founded, by the parts, where the store has lost it with everything else. */
async function foundingOf({ vault, access, log, belonging }: AllParts): Promise<Founding> {
  const [vaultPart, database, logPart] = [await vault.part.state(), await access.part.state(), await log.part.state()];
  const { ledgerId, keyring, origin } = belonging;
  if (logPart.ledgerId === null) throw new LossRefused('this ledger is new: nothing was ever in its store');
  return { ledgerId, keyring, vault: vaultPart.id, database: database.id, log: { id: logPart.id, origin }, losses: 0 };
}

type Restored = Pick<FoundedLedger['entry'], 'id' | 'data'>;

/** Finds what is lost and writes it down. */
async function record(
  all: AllParts,
  founding: Founding,
  { reason, onProgress }: LossWanted,
  by: ActingReader,
  clock: Clock,
): Promise<Restored> {
  const { store, vault, parts } = all;
  const known = await knownOf(parts);
  const lost = await findLost(all, known, (done, of) => onProgress?.('comparing', done, of));
  if (Object.keys(lost).length === 0)
    throw new LossRefused('nothing is lost: store, vault, databases and log are as far as each other');
  const id = newEntryId();
  const seals = new LedgerSeals(vault, clock);
  const { open, kept } = await seals.for(id, { ledger: { reason } });
  const losses = founding.losses + (lost.store === undefined ? 0 : 1);
  const data = { ...foundingData({ ...founding, losses }), ...open, lost: lost as unknown as JsonObject };
  const end = await laneEnd(store, LANES.ledger);
  const entry = ledgerEntry(LEDGER_RESTORED, clock.now(), data, { id, principal: by.principal, ...kept });
  await appendBehind(store, LANES.ledger, end, [entry]);
  return entry;
}

/** Brings all parts to where the store is. Each step can be done again; the one by which it is known that all are done is the last. */
async function goOn(
  config: Config,
  { store, vault, access, readModels, log }: AllParts,
  lost: Lost,
  losses: number,
  onProgress: LossWanted['onProgress'] = () => undefined,
): Promise<void> {
  if (lost.vault !== undefined) await vault.goOnBehind(lost.vault.upTo);
  if (lost.destroyed !== undefined) await access.forgetVaultEpoch();
  if (lost.access !== undefined) await access.goOnBehind(lost.access.upTo);
  if (lost.store !== undefined) {
    await vault.part.forget();
    await access.part.forget();
    await readAgain(store, readModels, (done, of) => onProgress('reading', done, of));
    const maps = await MapStore.open(sqlTarget(config, 'subject-map'));
    await maps.clear(false).finally(() => maps.close());
    await log.beginAfterLoss(losses, Number(lost.log?.kept ?? 0));
  }
  await growLog(store, log, clockOf(config), (done, of) => onProgress('growing the log', done, of));
}

type Told = (done: number, of: number) => void;

async function readAgain(store: AuthenticStore, readModels: ReadModels, onProgress: Told): Promise<void> {
  const head = await store.head();
  await readModels.beginAnew();
  await readModels.catchUp(store, (position) => onProgress(position, head));
}

/** Makes the log what the store makes it; a notary signs that. */
async function growLog(store: AuthenticStore, log: LogStore, clock: Clock, onProgress: Told): Promise<void> {
  const head = await store.head();
  const growing = await GrowingLog.resume(log, clock);
  for await (const batch of store.readTexts({ after: growing.head.position })) {
    growing.add(batch);
    await growing.commit(null);
    onProgress(growing.head.position, head);
  }
}
