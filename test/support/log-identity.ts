import type { LogIdentity, SigningKeys } from '@sijill/notary';
import { signerOf, type Signer } from '@sijill/transparency';

/** Keys for tests that need no files: each generation has bytes of its own. */
export function testSigner(generation: number, first = 6): Signer {
  return signerOf(new Uint8Array(32).fill(first + generation));
}

/** @param first tells one set of keys from another */
export function testKeys(first = 6): SigningKeys {
  const key = (generation: number): Promise<Signer> => Promise.resolve(testSigner(generation, first));
  return { key, newKey: key };
}

/** A log's name and keys. */
export const LOG_IDENTITY: LogIdentity = { origin: 'log.example/ledger', keys: testKeys() };
