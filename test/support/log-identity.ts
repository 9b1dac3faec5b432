import type { LogIdentity } from '@sijill/notary';

/** A log's name and keys, for tests that need no keyring: each generation has bytes of its own. */
export const LOG_IDENTITY: LogIdentity = {
  origin: 'log.example/ledger',
  seedOf: (generation) => new Uint8Array(32).fill(6 + generation),
};
