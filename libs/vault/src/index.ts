export * from './identifier.js';
export * from './keyring.js';
export { KeyringUnusable, keyringPlaceOf, type KeyringPlace } from './keyring-places/index.js';
export {
  contextOf,
  keyIdOf,
  openingOf,
  openWith,
  seal,
  SealBroken,
  secretOf,
  unseal,
  type Opening,
  type Secret,
} from './seal.js';
export { KeyNeeded } from './rotation.js';
export { defaultScope, Secrets, SubjectErased, SubjectSecrets, yearOf, type OnCommit, type Scope } from './secrets.js';
export { generationOf, Tags, type TagKey } from './tags.js';
export { assertVaultExists, vaultExists, VaultLost } from './vault-sql.js';
export type { WaitingEntry } from './outbox.js';
export { Vault } from './vault.js';
export { unwrap, wrap } from './wrap.js';
export * from './cases/index.js';
export * from './directory/index.js';
