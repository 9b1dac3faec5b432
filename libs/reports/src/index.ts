export * from './accounting/dataset.js';
export * from './accounting/json.js';
export * from './accounting/csv.js';
export { compileAccountingPdf } from './accounting/compile.js';
export { OrderAccounting, REPORT_COMMAND_HANDLERS } from './desk/commands.js';
export { REPORT_FORMATS, type ReportFormat } from './desk/render-accounting.js';
export { RenderProcess, type RenderProcessOptions } from './desk/render-process.js';
export {
  REPORT_GENERATED,
  ReportDesk,
  ReportElsewhere,
  ReportSubjectErased,
  type AccountingOrder,
  type ReportFile,
  type ReportView,
} from './desk/report-desk.js';
export { REPORT_LANGUAGES, type ReportLanguage } from './rendering/language.js';
