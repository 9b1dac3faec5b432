import {
  cosignaturesOf,
  FormatInvalid,
  formatCosignRequest,
  isRefusal,
  parseNote,
  parseSignature,
  readDecimal,
  type CosignRequest,
  type NoteSignature,
  type VerifierKey,
} from '@sijill/transparency';
import { NoAnswer, post } from '../post.js';

/** A witness that is asked, and the key by which its cosignatures are known. */
export interface WitnessAddress {
  readonly key: VerifierKey;
  /** What `/add-checkpoint` is put behind. */
  readonly url: string;
}

/** A witness did not cosign. The message says why, without what the witness itself has written. */
export class NotCosigned extends Error {
  override readonly name = 'NotCosigned';
}

/**
 * Asks a witness to cosign. C2SP tlog-witness.
 *
 * @returns its cosignature, verified; or the size that it has cosigned last, when that is not the old size of the request
 * @throws NotCosigned
 */
export async function askWitness(
  { key, url }: WitnessAddress,
  request: CosignRequest,
): Promise<{ readonly cosignature: NoteSignature } | { readonly last: bigint }> {
  const { status, type, text } = await ask(`${url.replace(/\/$/, '')}/add-checkpoint`, formatCosignRequest(request));
  try {
    if (status === 200) return { cosignature: cosignatureIn(text, request.checkpoint, key) };
    if (status === 409 && type === 'text/x.tlog.size') return { last: readDecimal(text.replace(/\n$/, '')) };
  } catch (error) {
    if (isRefusal(error)) throw new NotCosigned(`answered what is none: ${error.message}`);
    throw error;
  }
  throw new NotCosigned(WHY[status] ?? `answered ${status}`);
}

const WHY: Readonly<Record<number, string>> = {
  400: 'could not read the checkpoint',
  403: 'does not know the key that the log signs with',
  404: 'does not witness this log',
  409: 'has cosigned another root for this size: there are two histories of this log',
  422: 'has cosigned a tree that this one does not go on from: there are two histories of this log',
};

/** What the witness itself has signed; lines of other keys are passed over. @throws FormatInvalid | ProofInvalid */
function cosignatureIn(text: string, checkpoint: string, key: VerifierKey): NoteSignature {
  if (!text.endsWith('\n')) throw new FormatInvalid('a signature line has no end');
  const own = text
    .slice(0, -1)
    .split('\n')
    .map(parseSignature)
    .find(({ name, id }) => name === key.name && id === key.id);
  if (own === undefined || cosignaturesOf({ text: parseNote(checkpoint).text, signatures: [own] }, [key]).length !== 1)
    throw new FormatInvalid('there is no cosignature of the witness');
  return own;
}

/** @throws NotCosigned */
async function ask(url: string, request: string): Promise<{ status: number; type: string; text: string }> {
  try {
    const { status, type, body } = await post(url, 'text/plain; charset=utf-8', request);
    return { status, type, text: Buffer.from(body).toString('utf8') };
  } catch (error) {
    if (error instanceof NoAnswer) throw new NotCosigned(error.message);
    throw error;
  }
}
