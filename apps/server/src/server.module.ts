import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, DiscoveryModule } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { ApiKeys, ConsultationLog, Limits, Producers } from '@sijill/access';
import { Confirmations, Separating, Unsealing } from '@sijill/cases';
import { EVENT_STORE } from '@sijill/event-store';
import { HttpIntake, QuarantineDesk } from '@sijill/intake';
import { Outboxes, type Ledger } from '@sijill/ledger';
import { Receipts, Witness } from '@sijill/notary';
import { Metrics } from '@sijill/platform';
import { ReadModels } from '@sijill/read-models';
import { ReportDesk } from '@sijill/reports';
import { Vault } from '@sijill/vault';
import { AccessGuard } from './access/access.guard.js';
import { ClockNote } from './clock-note.js';
import { FreshnessInterceptor } from './http/freshness.interceptor.js';
import { KnownQueryInterceptor } from './http/known-query.interceptor.js';
import { ProblemFilter } from './http/problem.filter.js';
import { validation } from './http/validation.js';
import { ConfirmationsController } from './routes/confirmations.controller.js';
import { Documents, DOCUMENTS, DocumentsController } from './routes/documents.controller.js';
import { EntriesController } from './routes/entries.controller.js';
import { EventsController } from './routes/events.controller.js';
import { HealthController, MetricsController } from './routes/health.controller.js';
import { IdentityController } from './routes/identity.controller.js';
import { LogController } from './routes/log.controller.js';
import { ProducersController } from './routes/producers.controller.js';
import { QuarantineController } from './routes/quarantine.controller.js';
import { ReportsController } from './routes/reports.controller.js';
import { SubjectsController } from './routes/subjects.controller.js';
import { WitnessController } from './routes/witness.controller.js';
import { RUNNING_ROLES, type RunningRoles } from './running-roles.js';
import { TRANSPARENCY_LOG } from './transparency-log.js';
import { CASE_COMMAND_HANDLERS } from './use-cases/case-commands.js';
import { INTAKE_COMMAND_HANDLERS } from './use-cases/intake-commands.js';
import { QUERY_HANDLERS } from './use-cases/query-handlers.js';
import { RecordConsultationHandler } from './use-cases/record-consultation.js';
import { REPORT_COMMAND_HANDLERS } from './use-cases/report-commands.js';

const API = [
  LogController,
  EventsController,
  SubjectsController,
  IdentityController,
  ProducersController,
  EntriesController,
  ConfirmationsController,
  ReportsController,
  QuarantineController,
];

/** Wires the routes to an open ledger. A process without the api role answers for its health and figures only. */
@Module({})
export class ServerModule {
  static of(ledger: Ledger, roles: RunningRoles, documents: Documents, clock: ClockNote): DynamicModule {
    const { httpIntake, receipts } = roles;
    const api: Provider[] =
      httpIntake === null
        ? []
        : [
            { provide: HttpIntake, useValue: httpIntake },
            { provide: Receipts, useValue: receipts },
            { provide: QuarantineDesk, useValue: ledger.quarantineDesk },
            { provide: ConsultationLog, useValue: ledger.consultations },
            { provide: ReportDesk, useValue: ledger.reports },
            { provide: Limits, useValue: ledger.limits },
            { provide: Confirmations, useValue: ledger.confirmations },
            { provide: Separating, useValue: ledger.separating },
            { provide: Unsealing, useValue: ledger.unsealing },
            RecordConsultationHandler,
            ...CASE_COMMAND_HANDLERS,
            ...INTAKE_COMMAND_HANDLERS,
            ...REPORT_COMMAND_HANDLERS,
            ...QUERY_HANDLERS,
          ];
    const ownPort = ledger.config.metricsPort !== null;
    return {
      module: ServerModule,
      imports: [CqrsModule.forRoot(), DiscoveryModule],
      controllers: [
        ...(httpIntake === null ? [] : API),
        ...(ledger.witness === null ? [] : [WitnessController]),
        HealthController,
        DocumentsController,
        ...(ownPort ? [] : [MetricsController]),
      ],
      providers: [
        { provide: EVENT_STORE, useValue: ledger.store },
        { provide: Vault, useValue: ledger.vault },
        { provide: ReadModels, useValue: ledger.readModels },
        { provide: ApiKeys, useValue: ledger.keys },
        { provide: Producers, useValue: ledger.producers },
        { provide: Outboxes, useValue: ledger.outboxes },
        { provide: ClockNote, useValue: clock },
        { provide: Metrics, useValue: ledger.metrics },
        { provide: TRANSPARENCY_LOG, useValue: ledger.log },
        { provide: RUNNING_ROLES, useValue: roles },
        { provide: DOCUMENTS, useValue: documents },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_INTERCEPTOR, useClass: KnownQueryInterceptor },
        { provide: APP_INTERCEPTOR, useClass: FreshnessInterceptor },
        { provide: APP_PIPE, useValue: validation },
        { provide: APP_FILTER, useValue: new ProblemFilter(ledger.logger) },
        ...(ledger.witness === null ? [] : [{ provide: Witness, useValue: ledger.witness }]),
        ...api,
      ],
    };
  }
}
