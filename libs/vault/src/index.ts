export * from './identifier.js';
export * from './keyring.js';
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
export { defaultScope, Secrets, SubjectErased, SubjectSecrets, yearOf, type Scope } from './secrets.js';
export { generationOf, Tags, type TagKey } from './tags.js';
export { vaultExists } from './vault-sql.js';
export type { WaitingEntry } from './outbox.js';
export { Vault } from './vault.js';
export * from './cases/index.js';
export * from './directory/index.js';
