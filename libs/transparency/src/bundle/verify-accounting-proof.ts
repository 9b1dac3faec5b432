import { readLeaf, type LeafEntry } from '../leaf-entry.js';
import { openCheckpoint, type OpenedCheckpoint, type Trust } from '../note/open-checkpoint.js';
import { FormatInvalid, readDecimal } from '../primitives/bytes.js';
import { readHash } from '../proof/tlog-proof.js';
import { parseMapProof, verifyAccounting } from '../subject-map/map-proof.js';
import { hashLeafText } from '../tree/hashing.js';
import { named, ProofInvalid, verifyInclusion } from '../tree/proofs.js';
import { parseAccountingProof, type AccountedSubject, type PlacedLeaf } from './accounting-proof.js';
import { assertOnePerson, openConflicts, type ChainEntry } from './linked-subjects.js';

/** The type of the entries that carry the map of subjects, and the lane where they stand. */
export const SUBJECTS_MAPPED = 'sijill.ledger.subjects_mapped.v1';
export const MAP_LANE = 'ledger-subjects';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** An entry that was proven, and whose chain it stands in. */
export interface ProvenEntry extends ChainEntry {
  readonly subject: string;
}

/** What an accounting proof shows. */
export interface Accounting {
  /** Whom the accounting is of. */
  readonly subject: string;
  /** The other subjects that are the same person, as the proof lists them. */
  readonly linked: readonly string[];
  /** Where the report beside the proof stands: a store position, and how many leaves that was. Nobody has signed this. */
  readonly asOf: { readonly position: bigint; readonly leaves: bigint };
  readonly checkpoint: OpenedCheckpoint;
  /** The entries are all there are among so many leaves from the first. */
  readonly covered: bigint;
  /** When the map was written into the log, as its entry says. */
  readonly mappedAt: string;
  /** Of all subjects, in the order of the log. */
  readonly entries: readonly ProvenEntry[];
  /** Whether somebody else in the ledger is this person too is not settled: where in the log each such conflict was opened. */
  readonly openConflicts: readonly bigint[];
}

/**
 * Checks that a proof shows all entries of a log that concern a person, none left out and none added, up to a size of the log: by the
 * log's key and as many witnesses as are asked for, and nothing else. The person is all subjects that the log ties together, as far as the
 * entries are not withheld. That the log's map was made from its entries is what recomputing it shows.
 *
 * @throws FormatInvalid the proof is none
 * @throws ProofInvalid  it does not hold; the message names the entry
 */
export function verifyAccountingProof(text: string, trust: Trust): Accounting {
  const { asOf, checkpoint: note, map, subjects } = parseAccountingProof(text);
  const checkpoint = openCheckpoint(note, trust);
  const inLog = (what: string, hash: Uint8Array, { index, path }: PlacedLeaf): void =>
    named(what, () => verifyInclusion(hash, index, checkpoint.size, path, checkpoint.root));

  inLog('the entry of the map', hashLeafText(map.leaf), map);
  const { size, root, mappedAt } = named('the entry of the map', () => mapOf(readLeaf(map.leaf)));
  if (size > map.index) throw new ProofInvalid('the map says that it covers leaves behind its own');

  const known = new Set<string>();
  const taken = new Set<bigint>();
  const chainOf = ({ subject, proof, entries }: AccountedSubject): ProvenEntry[] => {
    if (known.has(subject)) throw new ProofInvalid(`the subject ${subject} is there twice`);
    known.add(subject);
    const shown = entries.map((entry, i) => {
      const what = `entry ${i + 1}, leaf ${entry.index},`;
      const leafHash = 'leaf' in entry ? hashLeafText(entry.leaf) : entry.hash;
      inLog(what, leafHash, entry);
      if (entry.index >= size) throw new ProofInvalid(`${what} is not among the ${size} leaves that the map covers`);
      const proven = { subject, index: entry.index, leafHash };
      if (!('leaf' in entry)) return { ...proven, entry: 'withheld' as const };
      const leaf = named(what, () => readLeaf(entry.leaf));
      if (leaf.data['subjectId'] !== subject) throw new ProofInvalid(`${what} concerns another subject`);
      return { ...proven, entry: leaf };
    });
    const leaves = shown.map(({ index, leafHash }) => ({ leafIndex: index, leafHash }));
    verifyAccounting(root, subject, leaves, parseMapProof(proof));
    for (const { index } of shown) {
      if (taken.has(index)) throw new ProofInvalid(`the leaf ${index} is in the chains of two subjects`);
      taken.add(index);
    }
    return shown.map(({ index, entry }) => ({ subject, index, entry }));
  };
  const chains = subjects.map((of) => ({ subject: of.subject, entries: chainOf(of) }));
  assertOnePerson(chains);
  const entries = chains.flatMap((chain) => chain.entries).sort((a, b) => (a.index < b.index ? -1 : 1));
  const [first, ...others] = chains.map(({ subject }) => subject);
  return {
    subject: first!,
    linked: others,
    asOf,
    checkpoint,
    covered: size,
    mappedAt,
    entries,
    openConflicts: openConflicts(entries),
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
