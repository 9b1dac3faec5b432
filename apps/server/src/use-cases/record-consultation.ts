import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ConsultationLog, type Consultation } from '@sijill/access';

/** Records that somebody read about somebody. Answered when durable: an answer that nobody can account for is not given. */
export class RecordConsultation extends Command<{ entryId: string; position: number }> {
  constructor(readonly consultation: Consultation) {
    super();
  }
}

@CommandHandler(RecordConsultation)
export class RecordConsultationHandler implements ICommandHandler<RecordConsultation> {
  constructor(private readonly log: ConsultationLog) {}

  execute({ consultation }: RecordConsultation): Promise<{ entryId: string; position: number }> {
    return this.log.record(consultation);
  }
}
