import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OutcomeUnknown } from '@sijill/event-store';
import { HttpIntake, QuarantineDesk, type IncomingBatch, type IntakeAnswer, type ReplayOutcome } from '@sijill/intake';
import { within } from '@sijill/platform';

/** A producer hands events over; the answer says event by event what became of them. */
export class AcceptEvents extends Command<IntakeAnswer> {
  constructor(readonly batch: IncomingBatch) {
    super();
  }
}

// Longer than any healthy store takes, shorter than most clients wait.
const PATIENCE_MS = 15_000;

@CommandHandler(AcceptEvents)
class AcceptEventsHandler implements ICommandHandler<AcceptEvents> {
  constructor(private readonly intake: HttpIntake) {}

  async execute({ batch }: AcceptEvents): Promise<IntakeAnswer> {
    // When we give up waiting, what becomes of the append is the lane's business; its sender is told "unknown".
    return within(PATIENCE_MS, this.intake.accept(batch), () => {
      throw new OutcomeUnknown('the store takes too long to answer');
    });
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
