import { parseCheckpoint, type Checkpoint } from '../note/checkpoint.js';
import { parseNote, signersOf, type Note } from '../note/signed-note.js';
import type { VerifierKey } from '../note/verifier-key.js';
import { FormatInvalid, readDecimal, sameBytes, toBase64 } from '../primitives/bytes.js';
import { MOST_HASHES, readHash } from '../proof/tlog-proof.js';
import { isRefusal, verifyConsistency } from '../tree/proofs.js';

/** What a log asks a witness: to cosign a checkpoint that has grown from the one it cosigned before. C2SP tlog-witness. */
export interface CosignRequest {
  /** The size that the witness is thought to have cosigned last; 0 for none. */
  readonly old: bigint;
  /** That the checkpoint's tree begins with that of the old size. */
  readonly proof: readonly Uint8Array[];
  /** The checkpoint, a signed note. */
  readonly checkpoint: string;
}

/**
 * Why a witness does not cosign: the request is none; the log is not one of those it witnesses; no key of the log has signed; the witness
 * has cosigned another size last; or another root of the same size; or the proof does not hold.
 */
export type RefusalReason = 'malformed' | 'unknown log' | 'unsigned' | 'other size' | 'other root' | 'inconsistent';

export class CosigningRefused extends Error {
  override readonly name = 'CosigningRefused';
  constructor(
    readonly reason: RefusalReason,
    message: string,
    /** What was cosigned last, where another size was named. */
    readonly lastSize: bigint | null = null,
  ) {
    super(message);
  }
}

/** What a witness has cosigned last of a log. */
export interface WitnessedTree {
  readonly size: bigint;
  readonly root: Uint8Array;
}

/** The body of `add-checkpoint`. */
export function formatCosignRequest({ old, proof, checkpoint }: CosignRequest): string {
  return `old ${old}\n${proof.map((hash) => `${toBase64(hash)}\n`).join('')}\n${checkpoint}`;
}

/** @throws FormatInvalid */
export function parseCosignRequest(body: string): CosignRequest {
  const end = body.indexOf('\n\n');
  if (end < 0) throw new FormatInvalid('the request has no checkpoint');
  const [first, ...hashes] = body.slice(0, end).split('\n');
  if (first?.startsWith('old ') !== true) throw new FormatInvalid('the request does not say the old size');
  if (hashes.length > MOST_HASHES) throw new FormatInvalid('the proof is longer than any tree is high');
  return { old: readDecimal(first.slice('old '.length)), proof: hashes.map(readHash), checkpoint: body.slice(end + 2) };
}

/**
 * Takes in what a log asks, as far as that needs no memory: the form, and that one of the log's keys has signed.
 *
 * @param logs keys of the logs that are witnessed; a key's name is its log's origin
 * @throws CosigningRefused
 */
export function openCosignRequest(
  body: string,
  logs: readonly VerifierKey[],
): { readonly request: CosignRequest; readonly note: Note; readonly checkpoint: Checkpoint } {
  const { request, note, checkpoint } = refusing('malformed', () => {
    const request = parseCosignRequest(body);
    const note = parseNote(request.checkpoint);
    return { request, note, checkpoint: parseCheckpoint(note.text) };
  });
  const keys = logs.filter(({ name }) => name === checkpoint.origin);
  if (keys.length === 0)
    throw new CosigningRefused('unknown log', `the log ${checkpoint.origin} is not witnessed here`);
  const signers = refusing('unsigned', () => signersOf(note, keys));
  if (signers.length === 0) throw new CosigningRefused('unsigned', 'no key of the log that is known here has signed');
  if (request.old > checkpoint.size) throw new CosigningRefused('malformed', 'the old size is beyond the checkpoint');
  return { request, note, checkpoint };
}

/**
 * Checks that a checkpoint goes on from what was cosigned last.
 *
 * @param last null when nothing of this log was ever cosigned
 * @throws CosigningRefused
 */
export function assertGoesOn(
  { old, proof }: CosignRequest,
  { size, root }: Checkpoint,
  last: WitnessedTree | null,
): void {
  const lastSize = last?.size ?? 0n;
  if (old !== lastSize)
    throw new CosigningRefused('other size', `the size that was cosigned last is ${lastSize}`, lastSize);
  if (last !== null && last.size === size && !sameBytes(last.root, root))
    throw new CosigningRefused('other root', `another root was cosigned for ${size} leaves`);
  if (last === null || last.size === 0n) {
    if (proof.length > 0) throw new CosigningRefused('inconsistent', 'nothing was cosigned yet, and here is a proof');
    return;
  }
  refusing('inconsistent', () => verifyConsistency(last.size, size, last.root, root, proof));
}

function refusing<T>(reason: RefusalReason, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isRefusal(error)) throw new CosigningRefused(reason, error.message);
    throw error;
  }
}
