export { openLedger, openStore, type Ledger, type LedgerOptions } from './open-ledger.js';
export { sqlTarget } from './sql-target.js';
