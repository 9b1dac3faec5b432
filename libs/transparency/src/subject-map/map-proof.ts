import { concat, FormatInvalid, readDecimal, sameBytes, toBase64, uint64 } from '../primitives/bytes.js';
import { readHash } from '../proof/tlog-proof.js';
import { HASH_BYTES } from '../tree/hashing.js';
import { ProofInvalid } from '../tree/proofs.js';
import { bitOf, EMPTY, hashInner, hashSubject, KEY_BITS } from './map-hashing.js';
import type { MappedSubject, SubjectHead } from './subject-chain.js';

/** What a map holds for a key: the way from the root along the key's bits, to where there is one subject or none. */
export interface MapProof {
  /** The other half at each step, from the root downwards. */
  readonly siblings: readonly Uint8Array[];
  /** Who is there: the key's subject; another, and so the key has none; or nobody. */
  readonly found: MappedSubject | null;
}

const FIRST_LINE = 'sijill map proof v1';
const NOBODY = 'nobody';

/**
 * A proof as text; each line ends in a newline, and there is nothing else:
 *
 *     sijill map proof v1
 *     <sibling>                          0 to 256 lines, the root's child first: 44 characters of base64, or - when it is empty
 *                                        an empty line
 *     subject <key> <count> <head>       key and head in base64, count in decimal from 1 to 2^63 − 1; or: nobody
 */
export function formatMapProof({ siblings, found }: MapProof): string {
  const lines = siblings.map((sibling) => (sameBytes(sibling, EMPTY) ? '-' : toBase64(sibling)));
  const end = found === null ? NOBODY : `subject ${toBase64(found.key)} ${found.count} ${toBase64(found.head)}`;
  return [FIRST_LINE, ...lines, '', end, ''].join('\n');
}

const LONGEST = FIRST_LINE.length + 45 * KEY_BITS + 200;

/** @throws FormatInvalid */
export function parseMapProof(text: string): MapProof {
  if (text.length > LONGEST) throw new FormatInvalid('the proof is longer than any can be');
  const [first, ...lines] = text.split('\n');
  const [blank, end, rest] = lines.splice(-3);
  if (first !== FIRST_LINE || blank !== '' || end === undefined || rest !== '')
    throw new FormatInvalid('not a proof of a map');
  if (lines.length > KEY_BITS) throw new FormatInvalid('the proof is longer than a key');
  return { siblings: lines.map(readSibling), found: end === NOBODY ? null : readSubject(end) };
}

function readSibling(line: string): Uint8Array {
  const sibling = line === '-' ? EMPTY : readHash(line);
  if (line !== '-' && sameBytes(sibling, EMPTY)) throw new FormatInvalid('an empty subtree is written as -');
  return sibling;
}

function readSubject(line: string): MappedSubject {
  const [word, key, count, head, ...rest] = line.split(' ');
  if (word !== 'subject' || head === undefined || rest.length > 0)
    throw new FormatInvalid('the proof does not say whom it found');
  const subject = { key: readHash(key!), count: readDecimal(count!), head: readHash(head) };
  if (subject.count === 0n) throw new FormatInvalid('a subject in the map has entries');
  return subject;
}

/**
 * Checks what a map holds for a key. No root has proofs of two answers for one key, whoever made it.
 *
 * @returns the key's subject, or null when the map has none
 * @throws ProofInvalid
 */
export function verifyMap(root: Uint8Array, key: Uint8Array, { siblings, found }: MapProof): SubjectHead | null {
  const hashes = [root, key, ...siblings, ...(found === null ? [] : [found.key, found.head])];
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) throw new ProofInvalid(`a hash has ${HASH_BYTES} bytes`);
  const depth = siblings.length;
  if (depth > KEY_BITS) throw new ProofInvalid('the proof is longer than a key');
  // A subtree of one is that subject's leaf however high it stands, and one of none is empty: neither has an empty half beside it.
  if (depth > 0 && sameBytes(siblings[depth - 1]!, EMPTY))
    throw new ProofInvalid('the proof goes on where the map ends');
  const path = new Uint8Array(2 * HASH_BYTES);
  if (found !== null) {
    if (found.count < 1n || found.count >> 64n !== 0n) throw new ProofInvalid('no subject has such a count');
    for (let bit = 0; bit < depth; bit++)
      if (bitOf(found.key, 0, bit) !== bitOf(key, 0, bit)) throw new ProofInvalid('the subject found is elsewhere');
    hashSubject(concat(found.key, uint64(found.count), found.head), 0, path, 0);
  }
  for (let bit = depth - 1; bit >= 0; bit--) {
    path.set(siblings[bit]!, HASH_BYTES);
    if (bitOf(key, 0, bit) === 1) hashInner(path, HASH_BYTES, 0, 0);
    else hashInner(path, 0, HASH_BYTES, 0);
  }
  if (!sameBytes(path.subarray(0, HASH_BYTES), root)) throw new ProofInvalid('the proof leads to another root');
  return found !== null && sameBytes(found.key, key) ? { count: found.count, head: found.head } : null;
}

/**
 * Checks that a chain has all entries that it should, none left out and none added, as of the map with this root. That each is in the log is
 * another proof's matter, and that the log has this root.
 *
 * @param key  of the chain
 * @param head that its entries make
 * @throws ProofInvalid
 */
export function verifyChain(root: Uint8Array, key: Uint8Array, { count, head }: SubjectHead, proof: MapProof): void {
  const mapped = verifyMap(root, key, proof);
  if (count !== (mapped?.count ?? 0n))
    throw new ProofInvalid(`the map counts ${mapped?.count ?? 0n} entries, and here are ${count}`);
  if (mapped !== null && !sameBytes(head, mapped.head)) throw new ProofInvalid('the entries are not those of the map');
}
