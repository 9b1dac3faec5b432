import { createHash } from 'node:crypto';

import type { AccountingDataset } from './dataset.js';

/** The accounting as JSON (`application/json`, UTF-8): indented, in the published order of members, one final newline. */
export function accountingJson(dataset: AccountingDataset): Buffer {
  return Buffer.from(`${JSON.stringify(dataset, null, 2)}\n`, 'utf8');
}

/**
 * What names one accounting: `ACC-<position>-<start of the digest>`, and the SHA-256 (hex) of its JSON file in full.
 *
 * The PDF prints both. Whoever holds the two files can tell with any hashing tool that they belong together.
 */
export function accountingReference(dataset: AccountingDataset): { reference: string; sha256: string } {
  const sha256 = createHash('sha256').update(accountingJson(dataset)).digest('hex');
  return { reference: `ACC-${dataset.asOf.position}-${sha256.slice(0, 10).toUpperCase()}`, sha256 };
}
