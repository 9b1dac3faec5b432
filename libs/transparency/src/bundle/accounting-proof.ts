import { FormatInvalid, readDecimal, toBase64 } from '../primitives/bytes.js';
import { readHash } from '../proof/tlog-proof.js';
import { isEntryKind, type EntryKind } from '../subject-map/entry-kind.js';

/** What the map holds for one chain of a subject. See `formatMapProof`. */
export interface ProvenChain {
  readonly kind: EntryKind;
  readonly proof: string;
}

export interface ProvenSubject {
  readonly subject: string;
  /** Of the kinds that are shown whole, the same of each subject; none where only the lines are proven. */
  readonly chains: readonly ProvenChain[];
}

/** What stands before the leaves. */
export interface ProofHead {
  /** Where the store stood when the report beside the proof was made. */
  readonly position: bigint;
  /** How many leaves that was; null where only the lines are proven, and how many there are is nobody's to know. */
  readonly leaves: bigint | null;
  /** Whom the accounting is of, and behind it, in any order, all who are linked to it. */
  readonly subjects: readonly ProvenSubject[];
}

export interface ShownLeaf {
  readonly what: 'leaf';
  readonly index: bigint;
  readonly leaf: string;
}

/** A leaf of which only the hash is shown, and to which chain it belongs. */
export interface WithheldLeaf {
  readonly what: 'withheld';
  readonly index: bigint;
  readonly hash: Uint8Array;
  readonly subject: string;
  readonly kind: EntryKind;
}

/** The entry that carries the map's root. */
export interface MapLeaf {
  readonly what: 'map';
  readonly index: bigint;
  readonly leaf: string;
}

/** The hash of the next complete subtree of the log, none of whose leaves is shown. */
export interface PassedSubtree {
  readonly what: 'passed';
  readonly hash: Uint8Array;
}

export type ProofItem = ShownLeaf | WithheldLeaf | MapLeaf | PassedSubtree;

export const ACCOUNTING_PROOF = 'sijill accounting proof v3';

/**
 * The head of a proof. Each line of a proof ends in a newline:
 *
 *     sijill accounting proof v3
 *     as of <position> <leaves>          or: as of <position>, where only the lines are proven
 *     subject <uuid>                     for each subject, and behind it for each kind that is shown whole
 *     chain <kind>
 *     <a proof of the map>               as `formatMapProof` has it
 *                                        an empty line; then the leaves, another, and the checkpoint, to the end
 */
export function formatProofHead({ position, leaves, subjects }: ProofHead): string {
  const lines = subjects.flatMap(({ subject, chains }) => [
    `subject ${subject}`,
    ...chains.flatMap(({ kind, proof }) => [`chain ${kind}`, proof.slice(0, -1)]),
  ]);
  return [ACCOUNTING_PROOF, `as of ${position}${leaves === null ? '' : ` ${leaves}`}`, ...lines, '', ''].join('\n');
}

/**
 * The leaves, in the order of the log, and before each of them, and behind the last, the hashes of what is passed over:
 *
 *     <hash>                             of the next complete subtree, base64
 *     leaf <index> <leaf>                a leaf is canonical JSON, which has no newline
 *     withheld <index> <hash> <n> <kind> of the n-th subject, from 1
 *     map <index> <leaf>                 behind all others; only where kinds are shown whole
 */
export function formatProofItem(item: ProofItem, subjects: readonly string[]): string {
  if (item.what === 'passed') return `${toBase64(item.hash)}\n`;
  if (item.what !== 'withheld') return `${item.what} ${item.index} ${item.leaf}\n`;
  return `withheld ${item.index} ${toBase64(item.hash)} ${subjects.indexOf(item.subject) + 1} ${item.kind}\n`;
}

/** Behind the leaves: the checkpoint, a signed note. */
export function formatProofEnd(checkpoint: string): string {
  return `\n${checkpoint}`;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Takes a proof apart, from its first line to its last. Nothing is verified by that. */
export class ProofReader {
  private readonly lines: Iterator<string>;
  private line: string | undefined;

  /** @param lines without their newlines; behind the last newline there is an empty one */
  constructor(lines: Iterable<string>) {
    this.lines = lines[Symbol.iterator]();
    this.next();
  }

  /** @throws FormatInvalid */
  head(): ProofHead {
    if (this.take() !== ACCOUNTING_PROOF)
      throw new FormatInvalid(`an accounting proof begins with the line ${ACCOUNTING_PROOF}`);
    const [as, of, position, leaves, ...more] = this.take().split(' ');
    if (as !== 'as' || of !== 'of' || position === undefined || more.length > 0)
      throw new FormatInvalid('the proof does not say what it is as of');
    const subjects: ProvenSubject[] = [];
    while (this.line !== '') subjects.push(this.subject());
    this.next();
    if (subjects.length === 0) throw new FormatInvalid('the proof is about nobody');
    return {
      position: readDecimal(position),
      leaves: leaves === undefined ? null : readDecimal(leaves),
      subjects,
    };
  }

  /** The leaves, and what is passed over. @throws FormatInvalid */
  *items(subjects: readonly ProvenSubject[]): Generator<ProofItem> {
    for (let line = this.take(); line !== ''; line = this.take()) yield itemIn(line, subjects);
  }

  /** What is left: the checkpoint. */
  checkpoint(): string {
    const lines: string[] = [];
    for (; this.line !== undefined; this.next()) lines.push(this.line);
    return lines.join('\n');
  }

  private subject(): ProvenSubject {
    const [word, subject, ...more] = this.take().split(' ');
    if (word !== 'subject' || subject === undefined || more.length > 0)
      throw new FormatInvalid('the proof does not say whom it is of');
    if (!UUID.test(subject)) throw new FormatInvalid('a subject of the proof is no UUID');
    const chains: ProvenChain[] = [];
    while (this.line?.startsWith('chain ') === true) {
      const kind = kindIn(this.take().slice('chain '.length));
      const proof: string[] = [];
      do proof.push(this.take());
      while (proof.at(-1) !== '');
      chains.push({ kind, proof: `${proof.join('\n')}\n${this.take()}\n` });
    }
    return { subject, chains };
  }

  private take(): string {
    const { line } = this;
    if (line === undefined) throw new FormatInvalid('the proof is cut off');
    this.next();
    return line;
  }

  private next(): void {
    const { done, value } = this.lines.next();
    this.line = done === true ? undefined : value;
  }
}

function itemIn(line: string, subjects: readonly ProvenSubject[]): ProofItem {
  const end = line.indexOf(' ');
  if (end < 0) return { what: 'passed', hash: readHash(line) };
  const [what, rest] = [line.slice(0, end), line.slice(end + 1)];
  if (what === 'leaf' || what === 'map') {
    const behind = rest.indexOf(' ');
    return { what, index: readDecimal(rest.slice(0, Math.max(0, behind))), leaf: rest.slice(behind + 1) };
  }
  const [index, hash, number, kind, ...more] = rest.split(' ');
  if (what !== 'withheld' || kind === undefined || more.length > 0)
    throw new FormatInvalid('a line of the proof is no leaf and no hash');
  const of = readDecimal(number!);
  if (of < 1n || of > BigInt(subjects.length)) throw new FormatInvalid('a leaf that is withheld is of nobody');
  const { subject } = subjects[Number(of) - 1]!;
  return { what, index: readDecimal(index!), hash: readHash(hash!), subject, kind: kindIn(kind) };
}

function kindIn(word: string): EntryKind {
  if (!isEntryKind(word)) throw new FormatInvalid('the proof names a kind of entries that there is not');
  return word;
}
