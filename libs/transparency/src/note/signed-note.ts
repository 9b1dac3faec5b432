import { concat, FormatInvalid, fromBase64, toBase64, utf8 } from '../primitives/bytes.js';
import { ed25519Verify, type SigningKey } from '../primitives/crypto.js';
import { ProofInvalid } from '../tree/proofs.js';
import { signedBy, type Signer } from './signer.js';
import { isKeyName, verifierKey, type VerifierKey } from './verifier-key.js';

/** One line under a note: who claims to have signed it, and the signature. */
export interface NoteSignature {
  readonly name: string;
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** A text with signatures under it. C2SP signed-note. */
export interface Note {
  /** Ends with a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

const MOST_CHARACTERS = 1_000_000;
const MOST_SIGNATURES = 100;
const LINE = /^— (\S+) (\S+)$/u;

/**
 * Takes a note apart. Nothing is verified by that.
 *
 * @throws FormatInvalid
 */
export function parseNote(whole: string): Note {
  if (whole.length > MOST_CHARACTERS) throw new FormatInvalid('the note is too long');

  if (!whole.isWellFormed() || /[\u0000-\u0009\u000b-\u001f]/.test(whole))
    throw new FormatInvalid('the note holds control characters');
  const split = whole.lastIndexOf('\n\n');
  if (split < 0 || !whole.endsWith('\n')) throw new FormatInvalid('the note has no signatures under an empty line');
  const lines = whole.slice(split + 2, -1).split('\n');
  if (lines.length > MOST_SIGNATURES) throw new FormatInvalid('the note has too many signatures');
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

export function formatNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(formatSignature).join('')}`;
}

/** A signature line, with its newline. */
export function formatSignature({ name, id, bytes }: NoteSignature): string {
  const idBytes = new Uint8Array(4);
  new DataView(idBytes.buffer).setUint32(0, id);
  return `— ${name} ${toBase64(concat(idBytes, bytes))}\n`;
}

/** @throws FormatInvalid */
export function parseSignature(line: string): NoteSignature {
  const [, name, encoded] = LINE.exec(line) ?? [];
  if (name === undefined || encoded === undefined || !isKeyName(name))
    throw new FormatInvalid('a line under the note is no signature');
  const bytes = fromBase64(encoded);
  if (bytes.length < 5) throw new FormatInvalid('a signature under the note is too short');
  return { name, id: new DataView(bytes.buffer).getUint32(0), bytes: bytes.slice(4) };
}

/** Signs a note's text as a log does: Ed25519 over the text. */
export function signNote(text: string, name: string, key: SigningKey): NoteSignature;
export function signNote(text: string, name: string, key: Signer): Promise<NoteSignature>;
export function signNote(text: string, name: string, key: SigningKey | Signer): NoteSignature | Promise<NoteSignature> {
  const { id } = verifierKey(name, 'ed25519', key.publicKey);
  return signedBy(key, utf8(text), (bytes) => ({ name, id, bytes }));
}

/**
 * The keys of those given that have signed the note's text itself, as logs do; keys of witnesses sign another message.
 *
 * @throws ProofInvalid a signature bears the name and the id of one of them and is not its
 */
export function signersOf({ text, signatures }: Note, keys: readonly VerifierKey[]): VerifierKey[] {
  return keys.filter((key) => {
    if (key.type !== 'ed25519') return false;
    const claimed = signatures.filter(({ name, id }) => name === key.name && id === key.id);
    for (const { bytes } of claimed)
      if (!ed25519Verify(key.publicKey, utf8(text), bytes))
        throw new ProofInvalid(`a signature in the name of ${key.name} does not hold`);
    return claimed.length > 0;
  });
}
