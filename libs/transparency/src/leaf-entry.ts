import { canonicalJson } from './canonical-json.js';
import { FormatInvalid } from './primitives/bytes.js';

/** An entry as its leaf says it. Sealed parts are in it by their hashes only: `data.sealed`. */
export interface LeafEntry {
  readonly id: string;
  readonly type: string;
  readonly lane: string;
  readonly revision: number;
  readonly data: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What the log says of an event that somebody else has put into a lane: that it is there. Nothing that it holds is to be believed. */
export interface ForeignLeaf {
  readonly foreign: true;
  readonly lane: string;
  readonly revision: number;
  /** Over the event as the store holds it, in hex. */
  readonly sha256: string;
}

/**
 * A leaf as what it says. It is in the log, so that its form is the ledger's; what is looked at here is checked all the same, and that
 * there is one way to read it: a member that is there twice could say two things.
 *
 * @throws FormatInvalid also for the leaf of a foreign event, which no entry is
 */
export function readLeaf(text: string): LeafEntry {
  const leaf = readAnyLeaf(text);
  if ('foreign' in leaf) throw new FormatInvalid('the leaf is of an event that the ledger has not written');
  return leaf;
}

/** The same, of foreign events too: for whoever shows what a log holds, and believes nothing. @throws FormatInvalid */
export function readAnyLeaf(text: string): LeafEntry | ForeignLeaf {
  let leaf: unknown;
  let canonical: string;
  try {
    leaf = JSON.parse(text);
    canonical = canonicalJson(leaf);
  } catch {
    throw new FormatInvalid('the leaf is no JSON');
  }
  if (canonical === text && isObject(leaf) && isPlaced(leaf)) {
    if (isEntry(leaf)) return leaf as unknown as LeafEntry;
    if (isForeign(leaf)) return leaf as unknown as ForeignLeaf;
  }
  throw new FormatInvalid('the leaf is no entry of a ledger, in canonical JSON');
}

const ENTRY = 'data,id,lane,metadata,revision,type';
const FOREIGN = 'foreign,lane,revision,sha256';

type Members = Readonly<Record<string, unknown>>;

function isPlaced({ lane, revision }: Members): boolean {
  return typeof lane === 'string' && Number.isSafeInteger(revision) && (revision as number) >= 0;
}

function isEntry(leaf: Members): boolean {
  const { id, type, data, metadata } = leaf;
  return (
    namesOf(leaf) === ENTRY &&
    typeof id === 'string' &&
    typeof type === 'string' &&
    isObject(data) &&
    isObject(metadata)
  );
}

function isForeign(leaf: Members): boolean {
  const { foreign, sha256 } = leaf;
  return namesOf(leaf) === FOREIGN && foreign === true && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
}

/** The names of the members in the order of the text, which is the canonical one. */
function namesOf(leaf: Members): string {
  return Object.keys(leaf).join();
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
