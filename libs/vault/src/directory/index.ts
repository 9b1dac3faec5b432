export { Directory, type IdentifierName } from './directory.js';
export { SUBJECTS_CONFLICTING, SUBJECTS_LINKED, SUBJECTS_SEPARATED } from './drafts.js';
export { IdentityConflict, ReleaseRefused, type IdentityConflictCode } from './identity-conflict.js';
export type { LinkedOrApart, Officer } from './link.js';
export type {
  ConflictPage,
  ConflictStatus,
  FoundSubject,
  KnownIdentifier,
  KnownPerson,
  ListedConflict,
} from './look-up.js';
export type { PersonNamed, ResolvedPerson } from './person-named.js';
export type { ReleasedBy, ReleasedIdentifier, ReleaseNamed } from './release.js';
export { createDirectoryTables, type DirectoryTables } from './tables.js';
