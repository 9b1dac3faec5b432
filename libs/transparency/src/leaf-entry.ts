import { FormatInvalid } from './primitives/bytes.js';

/** An entry as its leaf says it. */
export interface LeafEntry {
  readonly id: string;
  readonly type: string;
  readonly lane: string;
  readonly revision: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A leaf as what it says. What is in the log has the ledger's form; what is looked at here is checked all the same. @throws FormatInvalid */
export function readLeaf(text: string): LeafEntry {
  let leaf: Partial<LeafEntry> | null;
  try {
    leaf = JSON.parse(text) as Partial<LeafEntry> | null;
  } catch {
    throw new FormatInvalid('the leaf is no JSON');
  }
  const isEntry =
    typeof leaf === 'object' &&
    leaf !== null &&
    [leaf.id, leaf.type, leaf.lane].every((part) => typeof part === 'string') &&
    typeof leaf.revision === 'number' &&
    [leaf.data, leaf.metadata].every((part) => typeof part === 'object' && part !== null);
  if (!isEntry) throw new FormatInvalid('the leaf is no entry of a ledger');
  return leaf as LeafEntry;
}
