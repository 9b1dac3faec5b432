import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { OutcomeUnknown } from '@sijill/event-store';
import { HttpIntake, type IncomingBatch, type IntakeAnswer } from './http/http-intake.js';
import { QuarantineDesk, type ReplayOutcome } from './quarantine/replay.js';

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
    const accepting = this.intake.accept(batch);
    let timer: NodeJS.Timeout | undefined;
    const impatience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new OutcomeUnknown('the store takes too long to answer')), PATIENCE_MS);
    });
    try {
      return await Promise.race([accepting, impatience]);
    } finally {
      clearTimeout(timer);
      // When we gave up waiting, what becomes of the append is the lane's business; its sender was told "unknown".
      accepting.catch(() => undefined);
    }
  }
}

/** An administrator asks to read a quarantined record again under today's rules. */
export class ReplayQuarantined extends Command<ReplayOutcome> {
  constructor(readonly entryId: string) {
    super();
  }
}

@CommandHandler(ReplayQuarantined)
class ReplayQuarantinedHandler implements ICommandHandler<ReplayQuarantined> {
  constructor(private readonly desk: QuarantineDesk) {}

  execute({ entryId }: ReplayQuarantined): Promise<ReplayOutcome> {
    return this.desk.replay(entryId);
  }
}

export const INTAKE_COMMAND_HANDLERS = [AcceptEventsHandler, ReplayQuarantinedHandler];
