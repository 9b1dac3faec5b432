import { canonicalJson } from './canonical-json.js';
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

/**
 * A leaf as what it says. It is in the log, so that its form is the ledger's; what is looked at here is checked all the same, and that
 * there is one way to read it: a member that is there twice could say two things.
 *
 * @throws FormatInvalid
 */
export function readLeaf(text: string): LeafEntry {
  let leaf: Partial<LeafEntry> | null;
  let canonical: string;
  try {
    leaf = JSON.parse(text) as Partial<LeafEntry> | null;
    canonical = canonicalJson(leaf);
  } catch {
    throw new FormatInvalid('the leaf is no JSON');
  }
  const isEntry =
    canonical === text &&
    typeof leaf === 'object' &&
    leaf !== null &&
    [leaf.id, leaf.type, leaf.lane].every((part) => typeof part === 'string') &&
    typeof leaf.revision === 'number' &&
    [leaf.data, leaf.metadata].every((part) => typeof part === 'object' && part !== null);
  if (!isEntry) throw new FormatInvalid('the leaf is no entry of a ledger, in canonical JSON');
  return leaf as LeafEntry;
}
