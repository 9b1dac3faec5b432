export type { CaseChange, CaseEntry } from './case-change.js';
export type { CaseTables } from './tables.js';
