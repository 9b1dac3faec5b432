/** The languages a document is written in; English reads left to right, Arabic right to left. */
export const REPORT_LANGUAGES = ['en', 'ar'] as const;

export type ReportLanguage = (typeof REPORT_LANGUAGES)[number];
