import { concat, FormatInvalid, toHex, uint64, utf8 } from '../primitives/bytes.js';
import { ed25519Verify, type SigningKey } from '../primitives/crypto.js';
import { ProofInvalid } from '../tree/proofs.js';
import type { Note, NoteSignature } from './signed-note.js';
import { signedBy, type Signer } from './signer.js';
import { verifierKey, type VerifierKey } from './verifier-key.js';

/** A witness saw this checkpoint, grown from what it had seen before, at that time. C2SP tlog-cosignature. */
export interface Cosignature {
  readonly name: string;
  /** POSIX time, in seconds. */
  readonly seconds: bigint;
}

const BYTES = 8 + 64;

/** Signs a checkpoint's text as a witness does. @param seconds POSIX time */
export function cosign(text: string, name: string, key: SigningKey, seconds: bigint): NoteSignature;
export function cosign(text: string, name: string, key: Signer, seconds: bigint): Promise<NoteSignature>;
export function cosign(
  text: string,
  name: string,
  key: SigningKey | Signer,
  seconds: bigint,
): NoteSignature | Promise<NoteSignature> {
  const { id } = verifierKey(name, 'cosignature/v1', key.publicKey);
  return signedBy(key, message(text, seconds), (bytes) => ({ name, id, bytes: concat(uint64(seconds), bytes) }));
}

/**
 * What the witnesses of those given say of a note, one cosignature each. One key is one witness, under whatever names it is
 * given: what it signs does not say its name.
 *
 * @throws ProofInvalid  a cosignature bears the name and the id of one of them and is not its
 * @throws FormatInvalid one has not the form of a cosignature
 */
export function cosignaturesOf({ text, signatures }: Note, witnesses: readonly VerifierKey[]): Cosignature[] {
  const byKey = new Map<string, Cosignature>();
  for (const { name, id, type, publicKey } of witnesses) {
    if (type !== 'cosignature/v1') continue;
    for (const { bytes } of signatures.filter((signature) => signature.name === name && signature.id === id)) {
      const cosignature = { name, seconds: secondsOf(bytes) };
      if (!ed25519Verify(publicKey, message(text, cosignature.seconds), bytes.slice(8)))
        throw new ProofInvalid(`a cosignature in the name of ${name} does not hold`);
      const key = toHex(publicKey);
      if (!byKey.has(key)) byKey.set(key, cosignature);
    }
  }
  return [...byKey.values()];
}

/** @throws FormatInvalid */
function secondsOf(bytes: Uint8Array): bigint {
  if (bytes.length !== BYTES) throw new FormatInvalid('a cosignature has a time and an Ed25519 signature');
  const seconds = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  if (seconds >> 63n !== 0n) throw new FormatInvalid('the time of a cosignature is out of range');
  return seconds;
}

function message(text: string, seconds: bigint): Uint8Array {
  return utf8(`cosignature/v1\ntime ${seconds}\n${text}`);
}
