import { ledgerEntry, type JsonObject, type Lane } from '@sijill/event-store';
import { newEntryId, type Clock } from '@sijill/platform';
import type { Vault } from '@sijill/vault';
import { LedgerSeals } from './ledger-seals.js';
import type { Reader } from './reader.js';

export const CONSULTED = 'sijill.ledger.consulted.v1';

/** What was read, or settled about somebody. */
export type Consulted =
  | 'subject'
  | 'disclosures'
  | 'activities'
  | 'identifiers'
  | 'conflicts'
  | 'link'
  | 'separation'
  | 'release'
  | 'entry'
  | 'unseal'
  | 'confirmation'
  | 'report'
  | 'report_file'
  | 'duplicates'
  | 'quarantine'
  | 'quarantine_raw';

export interface Consultation {
  readonly what: Consulted;
  /** The subject it was about; null when nobody was found, or it is about no one person. */
  readonly subjectId: string | null;
  readonly found: boolean;
  /** The reason given, free text; null where none is asked for. */
  readonly reason: string | null;
  /** Who read: an API key, or the command line of this machine. */
  readonly reader: Reader;
  /** What narrows it down: an entry, a report. Ids only. */
  readonly about?: Readonly<Record<string, string>>;
  /** Whether one did alone what two are asked for. */
  readonly breakGlass?: boolean;
}

/**
 * Writes consultations as entries: which principal read what about whom in clear; the reader's name sealed for the ledger's staff,
 * the reason with the person's own key, so that it goes when the person goes.
 */
export class ConsultationLog {
  private readonly seals: LedgerSeals;

  constructor(
    private readonly vault: Pick<Vault, 'secrets'>,
    private readonly lane: () => Promise<Lane>,
    private readonly clock: Clock,
  ) {
    this.seals = new LedgerSeals(vault, clock);
  }

  /** Answers when the entry is durable. */
  async record(consultation: Consultation): Promise<{ entryId: string; position: number }> {
    const { what, subjectId, found, reason, reader, about, breakGlass = false } = consultation;
    const id = newEntryId();
    // Of an id that nobody has (any more) there is no key: the reason is then the ledger's.
    const ofSubject = subjectId !== null && (await this.vault.secrets.hasSubject(subjectId)) ? subjectId : null;
    const { open, kept } = await this.seals.for(id, {
      staff: { actor: reader.name },
      ...(ofSubject === null ? { ledger: { reason } } : { subject: { subjectId: ofSubject, said: { reason } } }),
    });
    const data: JsonObject = {
      consulted: what,
      found,
      keyId: reader.keyId,
      roles: [...reader.roles],
      ...open,
      ...(subjectId === null ? {} : { subjectId }),
      ...(about === undefined ? {} : { about: { ...about } }),
      ...(breakGlass ? { breakGlass } : {}),
    };
    const { principal } = reader;
    const entry = ledgerEntry(CONSULTED, this.clock.now(), data, { id, principal, ...kept });
    const { position } = await (await this.lane()).append([entry]);
    return { entryId: id, position };
  }
}
