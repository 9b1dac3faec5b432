export * from './identifier.js';
export * from './keyring.js';
export { seal, SealBroken, unseal, type HolderKeys } from './seal.js';
export { LEDGER_HOLDER, SubjectErased, Vault, type PersonIdentifiers, type ResolvedSubject } from './vault.js';
