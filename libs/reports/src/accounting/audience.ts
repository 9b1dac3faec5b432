/** For whom a document is made: what the person itself receives tells nobody whether anything was kept from it. */
export const AUDIENCES = ['subject', 'officer', 'regulator'] as const;
export type Audience = (typeof AUDIENCES)[number];
