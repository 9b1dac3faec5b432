import { createHash, type Hash } from 'node:crypto';
import type { Disclosure } from '@sijill/contracts';
import type { PlacedDisclosure } from '@sijill/read-models';
import {
  accountingHead,
  DisclosureCounts,
  publishedDisclosure,
  type AccountingHead,
  type AccountingInput,
} from '../accounting/dataset.js';

/**
 * An accounting of any length: what it says before its disclosures, and these, which are read from the ledger each time they are asked
 * for. Of each one eight bytes are kept.
 */
export interface Accounting {
  readonly head: AccountingHead;
  /** Where in the store the disclosures stand, in rising order. */
  readonly positions: readonly number[];
  /** Newest first. @throws DisclosuresChanged when they are read to the end, and are not those that were counted */
  disclosures(): AsyncIterable<Disclosure>;
}

/** While a report was made something of what it says was erased: its documents would not say the same. */
export class DisclosuresChanged extends Error {
  override readonly name = 'DisclosuresChanged';
}

/**
 * Counts the disclosures of an accounting.
 *
 * @param read reads them, newest first, as they stood at one position: the same each time, unless keys were destroyed meanwhile
 */
export async function readAccounting(
  input: AccountingInput,
  read: () => AsyncIterable<PlacedDisclosure>,
): Promise<Accounting> {
  const counts = new DisclosureCounts();
  const counted = createHash('sha256');
  const positions: number[] = [];
  for await (const { position, disclosure } of read()) {
    counts.add(disclosure);
    note(counted, disclosure);
    positions.push(position);
  }
  const digest = counted.digest('hex');
  return {
    head: accountingHead(input, counts),
    positions: positions.sort((a, b) => a - b),
    disclosures: async function* () {
      const again = createHash('sha256');
      for await (const { disclosure } of read()) {
        note(again, disclosure);
        yield publishedDisclosure(disclosure);
      }
      if (again.digest('hex') !== digest)
        throw new DisclosuresChanged('what the report says was changed while it was made');
    },
  };
}

/** What an entry says never changes, but for what of it can be opened. */
function note(hash: Hash, { entryId, sealed }: Disclosure): void {
  hash.update(`${entryId} ${sealed}\n`);
}
