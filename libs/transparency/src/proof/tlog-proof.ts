import { FormatInvalid, fromBase64, readDecimal, toBase64 } from '../primitives/bytes.js';
import { openCheckpoint, type OpenedCheckpoint, type Trust } from '../note/open-checkpoint.js';
import { HASH_BYTES, hashLeaf } from '../tree/hashing.js';
import { verifyInclusion } from '../tree/proofs.js';

/** That a leaf is in a log, for whoever has only the leaf and the log's key. C2SP tlog-proof. */
export interface LeafProof {
  readonly index: bigint;
  /** From the leaf's sibling upwards. */
  readonly path: readonly Uint8Array[];
  /** The checkpoint, a signed note. */
  readonly checkpoint: string;
}

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
/** No tree is higher. */
export const MOST_HASHES = 63;

export function formatProof({ index, path, checkpoint }: LeafProof): string {
  return [FIRST_LINE, `index ${index}`, ...path.map(toBase64), '', checkpoint].join('\n');
}

/**
 * Takes a proof apart; extra data, which nobody has signed, is passed over. Nothing is verified by that.
 *
 * @throws FormatInvalid
 */
export function parseProof(text: string): LeafProof {
  const end = text.indexOf('\n\n');
  if (end < 0) throw new FormatInvalid('the proof has no checkpoint');
  const [first, ...rest] = text.slice(0, end).split('\n');
  if (first !== FIRST_LINE) throw new FormatInvalid(`a proof begins with the line ${FIRST_LINE}`);
  if (rest[0]?.startsWith('extra ') === true) fromBase64(rest.shift()!.slice('extra '.length));
  const [index, ...hashes] = rest;
  if (index?.startsWith('index ') !== true) throw new FormatInvalid('the proof does not say which leaf it is about');
  if (hashes.length > MOST_HASHES) throw new FormatInvalid('the proof is longer than any tree is high');
  return {
    index: readDecimal(index.slice('index '.length)),
    path: hashes.map(readHash),
    checkpoint: text.slice(end + 2),
  };
}

/** One line of base64 that is a hash. @throws FormatInvalid */
export function readHash(line: string): Uint8Array {
  const hash = fromBase64(line);
  if (hash.length !== HASH_BYTES) throw new FormatInvalid('a line of the proof is no SHA-256 hash');
  return hash;
}

/**
 * Checks that a leaf is in the log: by its proof, the log's key and as many witnesses as are asked for, and nothing else.
 *
 * @param leaf the exact bytes
 * @throws FormatInvalid the proof is none
 * @throws ProofInvalid  it does not hold
 */
export function verifyLeaf(
  leaf: Uint8Array,
  proof: string,
  trust: Trust,
): { readonly index: bigint; readonly checkpoint: OpenedCheckpoint } {
  const { index, path, checkpoint: note } = parseProof(proof);
  const checkpoint = openCheckpoint(note, trust);
  verifyInclusion(hashLeaf(leaf), index, checkpoint.size, path, checkpoint.root);
  return { index, checkpoint };
}
