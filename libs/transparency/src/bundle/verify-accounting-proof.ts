import { readLeaf, type LeafEntry } from '../leaf-entry.js';
import { openCheckpoint, type OpenedCheckpoint, type Trust } from '../note/open-checkpoint.js';
import { FormatInvalid, readDecimal, sameBytes } from '../primitives/bytes.js';
import { readHash } from '../proof/tlog-proof.js';
import { entryKind, type EntryKind } from '../subject-map/entry-kind.js';
import { parseMapProof, verifyChain } from '../subject-map/map-proof.js';
import { Chain, chainKey } from '../subject-map/subject-chain.js';
import { CompactRange, subtreesBetween } from '../tree/compact-range.js';
import { hashLeafText } from '../tree/hashing.js';
import { named, ProofInvalid } from '../tree/proofs.js';
import {
  ProofReader,
  type MapLeaf,
  type ProofHead,
  type ProofItem,
  type ProvenSubject,
  type ShownLeaf,
  type WithheldLeaf,
} from './accounting-proof.js';
import { assertOnePerson, CONFLICTING, LINKED, openConflicts, SEPARATED, type ChainEntry } from './linked-subjects.js';

/** The type of the entries that carry the map of subjects, and the lane where they stand. */
export const SUBJECTS_MAPPED = 'sijill.ledger.subjects_mapped.v1';
export const MAP_LANE = 'ledger-subjects';

/** The type of the entries that an accounting of disclosures has. */
export const DISCLOSED = 'sijill.data.disclosed.v1';

/** The kinds that an accounting of disclosures rests on: what was disclosed, and of whom it is to be told. */
export const ACCOUNTING_KINDS: readonly EntryKind[] = ['disclosure', 'identity'];

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** An entry that was proven, and whose chain it stands in. */
export interface ProvenEntry extends ChainEntry {
  readonly subject: string;
}

/** What makes a proof complete. */
export interface Completeness {
  /** How many leaves the log had where the report beside the proof stands. Nobody has signed this. */
  readonly asOf: bigint;
  /** The entries are all of their kinds that there are among so many leaves from the first. */
  readonly covered: bigint;
  /** When the map was written into the log, as its entry says. */
  readonly mappedAt: string;
  readonly kinds: readonly EntryKind[];
}

/** What an accounting proof shows. */
export interface Accounting {
  /** Whom the accounting is of. */
  readonly subject: string;
  /** The other subjects that are the same person, as the proof lists them. */
  readonly linked: readonly string[];
  /** The store position where the report beside the proof stands. Nobody has signed this. */
  readonly position: bigint;
  readonly checkpoint: OpenedCheckpoint;
  /** Null where each entry is proven, and not that they are all there are. */
  readonly complete: Completeness | null;
  /** Of all subjects, in the order of the log. */
  readonly entries: readonly ProvenEntry[];
  /**
   * Whether somebody else in the ledger is this person too is not settled: where in the log each such conflict was opened. Known only where
   * the proof is complete.
   */
  readonly openConflicts: readonly bigint[];
}

/**
 * Checks that a proof shows entries of a log that concern a person; and where it is complete, that these are all of their kinds, none left
 * out and none added, up to a size of the log: by the log's key and as many witnesses as are asked for, and nothing else. The person is all
 * subjects that the log ties together, as far as the entries are shown. That the log's map was made from its entries is what recomputing it
 * shows.
 *
 * @param lines of the proof. See `proofLines`
 * @throws FormatInvalid the proof is none
 * @throws ProofInvalid  it does not hold
 */
export function verifyAccountingProof(lines: Iterable<string>, trust: Trust): Accounting {
  const proof = new ProofReader(lines);
  const head = proof.head();
  const kinds = kindsOf(head);
  const chains = new PersonChains(head.subjects, kinds);
  const tree = new LeavesInOrder();
  let map: MapLeaf | null = null;
  for (const item of proof.items(head.subjects)) {
    if (map !== null && item.what !== 'passed') throw new ProofInvalid('a leaf stands behind that of the map');
    if (item.what === 'map') map = item;
    const leafHash = tree.take(item);
    if (item.what === 'leaf' || item.what === 'withheld') chains.add(item, leafHash!);
  }
  const checkpoint = openCheckpoint(proof.checkpoint(), trust);
  if (!sameBytes(tree.root(checkpoint.size), checkpoint.root))
    throw new ProofInvalid('the leaves are not those of the log');
  const complete = kinds.length === 0 ? null : completenessOf(head, map, chains, kinds);
  if (kinds.length === 0 && map !== null) throw new ProofInvalid('there is a map, and nothing that it is to show');
  const { entries, identity } = chains;
  assertOnePerson([...identity].map(([subject, of]) => ({ subject, entries: of })));
  const [first, ...others] = head.subjects.map(({ subject }) => subject);
  return {
    subject: first!,
    linked: others,
    position: head.position,
    checkpoint,
    complete,
    entries,
    openConflicts: openConflicts(entries),
  };
}

/** The kinds that are shown whole, the same of each subject; none where only the lines are proven. */
function kindsOf({ subjects, leaves }: ProofHead): readonly EntryKind[] {
  const kinds = subjects[0]!.chains.map(({ kind }) => kind);
  const same = subjects.every(({ chains }) => chains.map(({ kind }) => kind).join() === kinds.join());
  if (!same || new Set(kinds).size !== kinds.length)
    throw new ProofInvalid('the proof does not show the same kinds of entries of each subject');
  if ((kinds.length === 0) !== (leaves === null))
    throw new ProofInvalid('the proof does not say whether it is complete');
  // Who else is this person would not be seen.
  if (kinds.length > 0 && !kinds.includes('identity'))
    throw new ProofInvalid('the proof does not show who is linked to the subject');
  return kinds;
}

function completenessOf(
  { leaves, subjects }: ProofHead,
  mapLeaf: MapLeaf | null,
  chains: PersonChains,
  kinds: readonly EntryKind[],
): Completeness {
  if (mapLeaf === null) throw new ProofInvalid('there is no map by which the entries would be all');
  const { size, root, mappedAt } = named('the entry of the map', () => mapOf(readLeaf(mapLeaf.leaf)));
  if (size > mapLeaf.index) throw new ProofInvalid('the map says that it covers leaves behind its own');
  const last = chains.entries.at(-1)?.index ?? -1n;
  if (last >= size) throw new ProofInvalid(`leaf ${last} is not among the ${size} leaves that the map covers`);
  for (const { subject, chains: proven } of subjects)
    for (const { kind, proof } of proven)
      named(`that these are all entries of the kind ${kind} about ${subject}`, () =>
        verifyChain(root, chainKey(subject, kind), chains.headOf(subject, kind), parseMapProof(proof)),
      );
  return { asOf: leaves!, covered: size, mappedAt, kinds };
}

/** The leaves of a proof, as the tree of the log has them. */
class LeavesInOrder {
  private readonly range = new CompactRange();
  private passed: Uint8Array[] = [];

  /** @returns the hash of the leaf; null for what is passed over */
  take(item: ProofItem): Uint8Array | null {
    if (item.what === 'passed') {
      if (this.passed.push(item.hash) > MOST_PASSED)
        throw new FormatInvalid('the proof passes over more than there can be');
      return null;
    }
    if (item.index < this.range.size) throw new ProofInvalid('the entries are not in the order of the log');
    this.pass(item.index);
    const hash = item.what === 'withheld' ? item.hash : hashLeafText(item.leaf);
    this.range.append(0, hash);
    return hash;
  }

  root(size: bigint): Uint8Array {
    if (size < this.range.size) throw new ProofInvalid(`a tree of ${size} leaves has no leaf ${this.range.size - 1n}`);
    this.pass(size);
    return this.range.root();
  }

  private pass(to: bigint): void {
    const subtrees = [...subtreesBetween(this.range.size, to)];
    if (subtrees.length !== this.passed.length)
      throw new ProofInvalid(`the proof does not pass over just what lies between leaf ${this.range.size} and ${to}`);
    subtrees.forEach(({ level }, i) => this.range.append(level, this.passed[i]!));
    this.passed = [];
  }
}

/** Of the kinds that more is read from than that an entry is there. */
const KNOWN_TYPES: Readonly<Partial<Record<EntryKind, readonly string[]>>> = {
  disclosure: [DISCLOSED],
  identity: [LINKED, SEPARATED, CONFLICTING],
};

/** Between two leaves lie no more subtrees, in a tree of any size. */
const MOST_PASSED = 126;

/** The chains of a person, as the leaves of a proof make them. */
class PersonChains {
  /** Of all subjects, in the order of the log. */
  readonly entries: ProvenEntry[] = [];
  /** Of each subject those that say who is the same person. */
  readonly identity: ReadonlyMap<string, ProvenEntry[]>;
  private readonly chains: ReadonlyMap<string, ReadonlyMap<EntryKind, Chain>>;
  private readonly complete: boolean;

  /** @param kinds that are to be shown whole; none where only the lines are proven */
  constructor(subjects: readonly ProvenSubject[], kinds: readonly EntryKind[]) {
    this.complete = kinds.length > 0;
    const shown = this.complete ? kinds : ACCOUNTING_KINDS;
    this.chains = new Map(
      subjects.map(({ subject }) => [subject, new Map(shown.map((kind) => [kind, new Chain()] as const))]),
    );
    this.identity = new Map(subjects.map(({ subject }) => [subject, []]));
    if (this.chains.size !== subjects.length) throw new ProofInvalid('a subject is there twice');
  }

  add(item: ShownLeaf | WithheldLeaf, leafHash: Uint8Array): void {
    const { index } = item;
    if (item.what === 'leaf') {
      const entry = named(`leaf ${index}`, () => readLeaf(item.leaf));
      const { subjectId } = entry.data;
      if (typeof subjectId !== 'string') throw new ProofInvalid(`leaf ${index} concerns nobody`);
      const kind = entryKind(entry.type);
      // What a type says that came later nobody here can tell: it may be a disclosure, or a link.
      if (KNOWN_TYPES[kind]?.includes(entry.type) === false)
        throw new ProofInvalid(
          `leaf ${index} is of the type ${entry.type}, which this verifier does not know; get a newer one`,
        );
      this.put({ subject: subjectId, index, entry }, kind, leafHash);
      return;
    }
    if (!this.complete) throw new ProofInvalid(`leaf ${index} is withheld, where only what is shown is proven`);
    // It could link a subject whose entries are not here.
    if (item.kind === 'identity') throw new ProofInvalid(`leaf ${index} is withheld, and may say who is linked`);
    this.put({ subject: item.subject, index, entry: 'withheld' }, item.kind, leafHash);
  }

  private put(proven: ProvenEntry, kind: EntryKind, leafHash: Uint8Array): void {
    const { subject, index } = proven;
    const chain = this.chains.get(subject)?.get(kind);
    if (chain === undefined) throw new ProofInvalid(`leaf ${index} concerns another subject, or is of another kind`);
    chain.add({ leafIndex: index, leafHash });
    this.entries.push(proven);
    if (kind === 'identity') this.identity.get(subject)!.push(proven);
  }

  headOf(subject: string, kind: EntryKind): ReturnType<Chain['head']> {
    return this.chains.get(subject)!.get(kind)!.head();
  }
}

function mapOf({ type, lane, data }: LeafEntry): { size: bigint; root: Uint8Array; mappedAt: string } {
  const { size, root, chains, occurredAt } = data;
  if (type !== SUBJECTS_MAPPED || lane !== MAP_LANE) throw new ProofInvalid('it is another entry');
  if (
    typeof size !== 'string' ||
    typeof root !== 'string' ||
    typeof chains !== 'string' ||
    typeof occurredAt !== 'string' ||
    !INSTANT.test(occurredAt)
  )
    throw new FormatInvalid('it does not say what the map is');
  // A map that counts something else has other keys: by them it would hold no chain of anybody.
  readDecimal(chains);
  return { size: readDecimal(size), root: readHash(root), mappedAt: occurredAt };
}
