import type { Consultation, ConsultationLog, Limits, Reader } from '@sijill/access';
import type { KnownEntry } from '@sijill/read-models';
import type { Vault } from '@sijill/vault';
import type { About, Confirmation } from '../confirmations/confirmation.js';
import type { Confirmations } from '../confirmations/confirmations.js';
import type { WhenConfirmed } from '../confirmations/when-confirmed.js';
import type { DualControl } from '../dual-control.js';
import { openEntry, type OpenedEntry } from './opened-entry.js';

/** Why nothing is opened: there is no such entry; its keys are gone; of a quarantined record, only its beginning is here. */
export type NotOpened = 'unknown' | 'destroyed' | 'cut';

/** Who asks, and why. */
export interface Reading {
  readonly reason: string;
  readonly reader: Reader;
}

/** An entry and its keys, and the bytes of a quarantined record, from wherever they lie. */
export interface Sources {
  entry(entryId: string): Promise<KnownEntry | null>;
  raw(entryId: string): Promise<{ readonly value: Buffer | null } | NotOpened>;
}

/** Nothing is carried out when it is confirmed: it is opened when whoever asked fetches it. */
export const unsealWhenConfirmed: WhenConfirmed = { carryOut: null };

/**
 * Opens what is sealed, for one entry at a time: recorded with its reason before anything is shown, counted for the principal, and where
 * it needs a second person put into the queue instead.
 */
export class Unsealing {
  constructor(
    private readonly sources: Sources,
    private readonly vault: Pick<Vault, 'secrets'>,
    private readonly confirmations: Pick<Confirmations, 'ask' | 'fetchable' | 'takeResult' | 'reasonOf'>,
    private readonly dualControl: Pick<DualControl, 'covers'>,
    private readonly limits: Pick<Limits, 'take'>,
    private readonly consultations: Pick<ConsultationLog, 'record'>,
  ) {}

  /**
   * Opens the sealed parts of an entry.
   *
   * @param breakGlass opens at once, alone, and says so in the record
   * @throws LimitReached
   */
  async entry(entryId: string, reading: Reading, breakGlass: boolean): Promise<OpenedEntry | Confirmation | NotOpened> {
    const known = await this.sources.entry(entryId);
    if (known === null) return 'unknown';
    if (nothingLeft(known)) return 'destroyed';
    await this.limits.take(reading.reader.principal, breakGlass ? 'breakGlass' : 'unseal');
    if (!breakGlass && (await this.dualControl.covers('unseal'))) return this.ask(known, {}, reading);
    await this.record(known, reading, { what: 'unseal', about: { entryId }, breakGlass });
    return openEntry(this.vault.secrets, known.stored);
  }

  /**
   * The bytes of a quarantined record as they came.
   *
   * @throws LimitReached
   */
  async raw(entryId: string, reading: Reading): Promise<Buffer | Confirmation | NotOpened> {
    const known = await this.sources.entry(entryId);
    if (known === null) return 'unknown';
    if (nothingLeft(known)) return 'destroyed';
    await this.limits.take(reading.reader.principal, 'unseal');
    if (await this.dualControl.covers('unseal')) return this.ask(known, { raw: true }, reading);
    const raw = await this.sources.raw(entryId);
    if (typeof raw === 'string') return raw;
    await this.record(known, reading, { what: 'quarantine_raw', about: { entryId } });
    return raw.value ?? Buffer.alloc(0);
  }

  /**
   * What was asked for, once somebody else has confirmed it: opened now, for whoever asked, once. It is recorded first; a process that
   * dies behind that has shown nothing, and whoever asked asks again.
   *
   * @throws ConfirmationRefused
   */
  async result(confirmationId: string, reader: Reader): Promise<OpenedEntry | Buffer | NotOpened> {
    const asked = await this.confirmations.fetchable(confirmationId, reader.principal);
    const { about } = asked;
    const entryId = about.entryId!;
    const known = await this.sources.entry(entryId);
    if (known === null) return 'unknown';
    if (nothingLeft(known)) return 'destroyed';
    const raw = about.raw === true ? await this.sources.raw(entryId) : null;
    if (typeof raw === 'string') return raw;
    const reading = { reader, reason: (await this.confirmations.reasonOf(asked)) ?? '' };
    const what = raw === null ? 'unseal' : 'quarantine_raw';
    await this.record(known, reading, { what, about: { entryId, confirmationId } });
    await this.confirmations.takeResult(confirmationId, reader.principal);
    return raw === null ? openEntry(this.vault.secrets, known.stored) : (raw.value ?? Buffer.alloc(0));
  }

  private ask({ stored }: KnownEntry, more: Pick<About, 'raw'>, reading: Reading): Promise<Confirmation> {
    const subjectId = subjectOf(stored.data);
    const about: About = { subjectIds: subjectId === null ? [] : [subjectId], entryId: stored.id, ...more };
    return this.confirmations.ask({ what: 'unseal', about, ...reading });
  }

  /** Recorded before anything is opened: what cannot be accounted for is not shown. */
  private async record(
    { stored }: KnownEntry,
    reading: Reading,
    which: Pick<Consultation, 'what' | 'about' | 'breakGlass'>,
  ): Promise<void> {
    await this.consultations.record({ subjectId: subjectOf(stored.data), found: true, ...reading, ...which });
  }
}

function subjectOf(data: KnownEntry['stored']['data']): string | null {
  return (data['subjectId'] as string | undefined) ?? null;
}

/** All that was sealed in it was destroyed. Of an entry in which nothing is sealed nothing is missing. */
function nothingLeft({ parts }: KnownEntry): boolean {
  const states = Object.values(parts);
  return states.length > 0 && states.every((state) => state === 'destroyed');
}
