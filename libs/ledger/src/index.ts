export { BackupRefused, backUp, restore, type BackupManifest } from './backup.js';
export { openLedger, type Ledger, type LedgerOptions } from './open-ledger.js';
export { openStore } from './open-store.js';
export { Outboxes, vaultOutbox } from './outboxes.js';
export { recordedUntil } from './recorded-until.js';
export { recordSettings, SETTINGS_IN_FORCE } from './record-settings.js';
export { verifyLedger, type LedgerVerified, type VerifyLedgerOptions } from './verify-ledger.js';
export { sqlTarget } from './sql-target.js';
export { VaultUpkeep } from './vault-upkeep.js';
