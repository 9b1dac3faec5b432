import { readLeaf, type LeafEntry } from '../leaf-entry.js';
import { openCheckpoint, type OpenedCheckpoint, type Trust } from '../note/open-checkpoint.js';
import { FormatInvalid, readDecimal } from '../primitives/bytes.js';
import { readHash } from '../proof/tlog-proof.js';
import { parseMapProof, verifyAccounting } from '../subject-map/map-proof.js';
import { hashLeafText } from '../tree/hashing.js';
import { named, ProofInvalid, verifyInclusion } from '../tree/proofs.js';
import { parseAccountingProof, type AccountedEntry } from './accounting-proof.js';

/** The type of the entries that carry the map of subjects, and the lane where they stand. */
export const SUBJECTS_MAPPED = 'sijill.ledger.subjects_mapped.v1';
export const MAP_LANE = 'ledger-subjects';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What an accounting proof shows. */
export interface Accounting {
  readonly subject: string;
  /** Where the report beside the proof stands: a store position, and how many leaves that was. Nobody has signed this. */
  readonly asOf: { readonly position: bigint; readonly leaves: bigint };
  readonly checkpoint: OpenedCheckpoint;
  /** The entries are all there are among so many leaves from the first. */
  readonly covered: bigint;
  /** When the map was written into the log, as its entry says. */
  readonly mappedAt: string;
  readonly entries: readonly { readonly index: bigint; readonly entry: LeafEntry | 'withheld' }[];
}

/**
 * Checks that a proof shows all entries of a log that concern a subject, none left out and none added, up to a size of the log: by the
 * log's key and as many witnesses as are asked for, and nothing else. That the log's map was made from its entries is what
 * recomputing it shows.
 *
 * @throws FormatInvalid the proof is none
 * @throws ProofInvalid  it does not hold; the message names the entry
 */
export function verifyAccountingProof(text: string, trust: Trust): Accounting {
  const { subject, asOf, checkpoint: note, map, entries } = parseAccountingProof(text);
  const checkpoint = openCheckpoint(note, trust);
  const inLog = (what: string, hash: Uint8Array, { index, path }: Pick<AccountedEntry, 'index' | 'path'>): void =>
    named(what, () => verifyInclusion(hash, index, checkpoint.size, path, checkpoint.root));

  inLog('the entry of the map', hashLeafText(map.leaf), map);
  const { size, root, mappedAt } = named('the entry of the map', () => mapOf(readLeaf(map.leaf)));
  if (size > map.index) throw new ProofInvalid('the map says that it covers leaves behind its own');

  const shown = entries.map((entry, i) => {
    const what = `entry ${i + 1}, leaf ${entry.index},`;
    const leafHash = 'leaf' in entry ? hashLeafText(entry.leaf) : entry.hash;
    inLog(what, leafHash, entry);
    if (entry.index >= size) throw new ProofInvalid(`${what} is not among the ${size} leaves that the map covers`);
    if (!('leaf' in entry)) return { index: entry.index, leafHash, entry: 'withheld' as const };
    const leaf = named(what, () => readLeaf(entry.leaf));
    if (leaf.data['subjectId'] !== subject) throw new ProofInvalid(`${what} concerns another subject`);
    return { index: entry.index, leafHash, entry: leaf };
  });
  const leaves = shown.map(({ index, leafHash }) => ({ leafIndex: index, leafHash }));
  verifyAccounting(root, subject, leaves, parseMapProof(map.proof));
  return {
    subject,
    asOf,
    checkpoint,
    covered: size,
    mappedAt,
    entries: shown.map(({ index, entry }) => ({ index, entry })),
  };
}

function mapOf({ type, lane, data }: LeafEntry): { size: bigint; root: Uint8Array; mappedAt: string } {
  const { size, root, occurredAt } = data;
  if (type !== SUBJECTS_MAPPED || lane !== MAP_LANE) throw new ProofInvalid('it is another entry');
  if (
    typeof size !== 'string' ||
    typeof root !== 'string' ||
    typeof occurredAt !== 'string' ||
    !INSTANT.test(occurredAt)
  )
    throw new FormatInvalid('it does not say what the map is');
  return { size: readDecimal(size), root: readHash(root), mappedAt: occurredAt };
}
