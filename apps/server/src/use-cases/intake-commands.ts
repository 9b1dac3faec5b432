import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OutcomeUnknown } from '@sijill/event-store';
import { HttpIntake, QuarantineDesk, type IncomingBatch, type IntakeAnswer, type ReplayOutcome } from '@sijill/intake';
import { Receipts } from '@sijill/notary';
import { within } from '@sijill/platform';

/** What became of a batch, and the promise that the log will hold it: null where none was asked for, or none can be given. */
export type ReceiptedAnswer = IntakeAnswer & { readonly receipt: string | null };

/** A producer hands events over; the answer says event by event what became of them. */
export class AcceptEvents extends Command<ReceiptedAnswer> {
  constructor(
    readonly batch: IncomingBatch,
    readonly wantsReceipt: boolean,
  ) {
    super();
  }
}

// Longer than any healthy store takes, shorter than most clients wait.
const PATIENCE_MS = 15_000;

@CommandHandler(AcceptEvents)
class AcceptEventsHandler implements ICommandHandler<AcceptEvents> {
  constructor(
    private readonly intake: HttpIntake,
    private readonly receipts: Receipts,
  ) {}

  async execute({ batch, wantsReceipt }: AcceptEvents): Promise<ReceiptedAnswer> {
    // Looked at before anything is stored: what the log has taken in by then is not among these.
    const { leaves } = this.receipts;
    // When we give up waiting, what becomes of the append is the lane's business; its sender is told "unknown".
    const answer = await within(PATIENCE_MS, this.intake.accept(batch), () => {
      throw new OutcomeUnknown('the store takes too long to answer');
    });
    return { ...answer, receipt: wantsReceipt ? await this.receipts.give(answer.leaves, leaves) : null };
  }
}

/** An administrator asks to read a quarantined record again under today's rules. */
export class ReplayQuarantined extends Command<ReplayOutcome> {
  constructor(
    readonly entryId: string,
    readonly principal: string,
  ) {
    super();
  }
}

@CommandHandler(ReplayQuarantined)
class ReplayQuarantinedHandler implements ICommandHandler<ReplayQuarantined> {
  constructor(private readonly desk: QuarantineDesk) {}

  execute({ entryId, principal }: ReplayQuarantined): Promise<ReplayOutcome> {
    return this.desk.replay(entryId, principal);
  }
}

export const INTAKE_COMMAND_HANDLERS = [AcceptEventsHandler, ReplayQuarantinedHandler];
