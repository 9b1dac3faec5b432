import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Reader } from '@sijill/access';
import {
  Confirmations,
  Unsealing,
  type AnswerKind,
  type Confirmation,
  type NotOpened,
  type OpenedEntry,
} from '@sijill/cases';
import { Outboxes } from '@sijill/ledger';

/** Who asks, and why. */
interface Reading {
  readonly reason: string;
  readonly reader: Reader;
}

/** Opens the sealed parts of an entry, or asks somebody else to confirm that. */
export class UnsealEntry extends Command<OpenedEntry | Confirmation | NotOpened> {
  constructor(
    readonly entryId: string,
    readonly reading: Reading,
    readonly breakGlass: boolean,
  ) {
    super();
  }
}

/** The bytes of a quarantined record as they came, or somebody else has to confirm that. */
export class ReadRawRecord extends Command<Buffer | Confirmation | NotOpened> {
  constructor(
    readonly entryId: string,
    readonly reading: Reading,
  ) {
    super();
  }
}

/** What was asked for and confirmed, for whoever asked. */
export class FetchResult extends Command<OpenedEntry | Buffer | NotOpened> {
  constructor(
    readonly confirmationId: string,
    readonly reader: Reader,
  ) {
    super();
  }
}

/** The second person's word. */
export class AnswerConfirmation extends Command<Confirmation> {
  constructor(
    readonly confirmationId: string,
    readonly kind: AnswerKind,
    readonly reading: Reading,
  ) {
    super();
  }
}

@CommandHandler(UnsealEntry)
class UnsealEntryHandler implements ICommandHandler<UnsealEntry> {
  constructor(
    private readonly unsealing: Unsealing,
    private readonly outboxes: Outboxes,
  ) {}

  async execute({ entryId, reading, breakGlass }: UnsealEntry): ReturnType<ICommandHandler<UnsealEntry>['execute']> {
    const outcome = await this.unsealing.entry(entryId, reading, breakGlass);
    await broughtIn(this.outboxes);
    return outcome;
  }
}

@CommandHandler(ReadRawRecord)
class ReadRawRecordHandler implements ICommandHandler<ReadRawRecord> {
  constructor(
    private readonly unsealing: Unsealing,
    private readonly outboxes: Outboxes,
  ) {}

  async execute({ entryId, reading }: ReadRawRecord): ReturnType<ICommandHandler<ReadRawRecord>['execute']> {
    const outcome = await this.unsealing.raw(entryId, reading);
    await broughtIn(this.outboxes);
    return outcome;
  }
}

@CommandHandler(FetchResult)
class FetchResultHandler implements ICommandHandler<FetchResult> {
  constructor(private readonly unsealing: Unsealing) {}

  execute({ confirmationId, reader }: FetchResult): ReturnType<ICommandHandler<FetchResult>['execute']> {
    return this.unsealing.result(confirmationId, reader);
  }
}

@CommandHandler(AnswerConfirmation)
class AnswerConfirmationHandler implements ICommandHandler<AnswerConfirmation> {
  constructor(
    private readonly confirmations: Confirmations,
    private readonly outboxes: Outboxes,
  ) {}

  async execute({
    confirmationId,
    kind,
    reading,
  }: AnswerConfirmation): ReturnType<ICommandHandler<AnswerConfirmation>['execute']> {
    const answered = await this.confirmations.answer(confirmationId, kind, reading);
    await broughtIn(this.outboxes);
    return answered;
  }
}

/** What was decided is durable in the vault; it is brought into the store at once if that is there, and later if not. */
export async function broughtIn(outboxes: Pick<Outboxes, 'drain'>): Promise<void> {
  await outboxes.drain().catch(() => undefined);
}

export const CASE_COMMAND_HANDLERS = [
  UnsealEntryHandler,
  ReadRawRecordHandler,
  FetchResultHandler,
  AnswerConfirmationHandler,
];
