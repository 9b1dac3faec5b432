import type { Ledger } from '@sijill/ledger';

/** The log's tiles, checkpoints and keys, as routes read them. */
export type TransparencyLog = Ledger['log'];

export const TRANSPARENCY_LOG = Symbol('TransparencyLog');
