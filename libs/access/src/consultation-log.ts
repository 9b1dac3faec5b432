import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ledgerEntry, type JsonObject, type Lane } from '@sijill/event-store';
import { newEntryId, type Clock } from '@sijill/platform';
import { canonicalJson } from '@sijill/transparency';
import { LEDGER_HOLDER, seal, type Vault } from '@sijill/vault';

export const CONSULTED = 'sijill.ledger.consulted.v1';

/** What was read. */
export type Consulted =
  'subject' | 'disclosures' | 'activities' | 'entry' | 'report' | 'report_file' | 'quarantine_raw';

export interface Consultation {
  readonly what: Consulted;
  /** The subject it was about; null when nobody was found, or it is about no one person. */
  readonly subjectId: string | null;
  readonly found: boolean;
  /** The reason given, free text; null where none is asked for. */
  readonly reason: string | null;
  /** Who read: an API key, or the command line of this machine. */
  readonly reader: { readonly keyId: string | null; readonly name: string; readonly roles: readonly string[] };
  /** What narrows it down: an entry, a report. Ids only. */
  readonly about?: Readonly<Record<string, string>>;
}

/** Records that somebody read about somebody. Answered when durable: an answer that nobody can account for is not given. */
export class RecordConsultation extends Command<{ entryId: string; position: number }> {
  constructor(readonly consultation: Consultation) {
    super();
  }
}

/** Writes consultations as entries: who, what and about whom in clear; the name and the reason sealed with the subject's key. */
export class ConsultationLog {
  constructor(
    private readonly vault: Vault,
    private readonly lane: () => Promise<Lane>,
    private readonly clock: Clock,
  ) {}

  async record(consultation: Consultation): Promise<{ entryId: string; position: number }> {
    const { what, subjectId, found, reason, reader, about } = consultation;
    const ofSubject = subjectId === null ? null : await this.vault.holderIfAny(subjectId);
    const keys = ofSubject ?? (await this.vault.holder(LEDGER_HOLDER));
    const id = newEntryId();
    const data: JsonObject = {
      consulted: what,
      found,
      keyId: reader.keyId,
      roles: [...reader.roles],
      ...(subjectId === null ? {} : { subjectId }),
      ...(about === undefined ? {} : { about: { ...about } }),
      sealed: seal(keys, id, canonicalJson({ actor: reader.name, reason })),
    };
    const entry = ledgerEntry(CONSULTED, this.clock.now(), data, id);
    const { position } = await (await this.lane()).append([entry]);
    return { entryId: id, position };
  }
}

@CommandHandler(RecordConsultation)
export class RecordConsultationHandler implements ICommandHandler<RecordConsultation> {
  constructor(private readonly log: ConsultationLog) {}

  execute({ consultation }: RecordConsultation): Promise<{ entryId: string; position: number }> {
    return this.log.record(consultation);
  }
}
