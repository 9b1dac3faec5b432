import { createHash } from 'node:crypto';
import type { Disclosure } from '@sijill/contracts';
import type { AccountingDataset, AccountingHead } from './dataset.js';

/**
 * The accounting as JSON (`application/json`, UTF-8): indented, in the published order of members, one final newline. It is written
 * disclosure by disclosure, and is to the byte what `JSON.stringify` makes of the whole.
 */
export async function* accountingJson(
  head: AccountingHead,
  disclosures: AsyncIterable<Disclosure> | Iterable<Disclosure>,
): AsyncGenerator<string> {
  const empty = `${JSON.stringify({ ...head, disclosures: [] }, null, 2)}\n`;
  const end = empty.lastIndexOf(']');
  yield empty.slice(0, end);
  let before = '';
  for await (const disclosure of disclosures) {
    // No text in JSON has a line break of its own.
    const lines = `\n${JSON.stringify(disclosure, null, 2)}`.replaceAll('\n', '\n    ');
    yield `${before}${lines}`;
    before = ',';
  }
  yield `${before === '' ? '' : '\n  '}${empty.slice(end)}`;
}

/** How one accounting is named, and the SHA-256 (hex) of its JSON file in full. */
export interface AccountingReference {
  readonly reference: string;
  readonly sha256: string;
}

/**
 * What names one accounting: `ACC-<position>-<start of the digest>`.
 *
 * The PDF prints both. Whoever holds the two files can tell with any hashing tool that they belong together.
 */
export async function accountingReference({ disclosures, ...head }: AccountingDataset): Promise<AccountingReference> {
  const hash = createHash('sha256');
  for await (const piece of accountingJson(head, disclosures)) hash.update(piece);
  const sha256 = hash.digest('hex');
  return { reference: `ACC-${head.asOf.position}-${sha256.slice(0, 10).toUpperCase()}`, sha256 };
}
