import { join } from 'node:path';
import type { Config, SqlTarget } from '@sijill/platform';

const FILES = {
  vault: ['vault', 'vault.sqlite'],
  'vault-claim': ['vault', 'vault.lock'],
  'read-models': ['read-models.sqlite'],
  access: ['access.sqlite'],
  reports: ['reports', 'reports.sqlite'],
  claims: ['server.lock'],
  notary: ['notary.sqlite'],
  'subject-map': ['subject-map.sqlite'],
  witness: ['witness.sqlite'],
  'notary-claim': ['notary.lock'],
  'node-claim': ['node.lock'],
} as const;

/** Where a part keeps its tables: a file of its own in the data directory, or the one PostgreSQL database; the vault may have another. */
export function sqlTarget(config: Config, part: keyof typeof FILES): SqlTarget {
  const database = part === 'vault' || part === 'vault-claim' ? config.vaultDatabase : config.database;
  if (database.kind === 'postgresql') return { kind: 'postgresql', url: database.url };
  return { kind: 'sqlite', file: join(config.dataDir, ...FILES[part]) };
}
