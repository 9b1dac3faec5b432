import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ReportDesk, type AccountingOrder, type ReportView } from '@sijill/reports';

/** Orders the accounting of disclosures of one subject. */
export class OrderAccounting extends Command<ReportView> {
  constructor(readonly order: AccountingOrder) {
    super();
  }
}

@CommandHandler(OrderAccounting)
class OrderAccountingHandler implements ICommandHandler<OrderAccounting> {
  constructor(private readonly desk: ReportDesk) {}

  execute({ order }: OrderAccounting): Promise<ReportView> {
    return this.desk.order(order);
  }
}

export const REPORT_COMMAND_HANDLERS = [OrderAccountingHandler];
