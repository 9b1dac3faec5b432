import { concat, FormatInvalid, fromBase64, toBase64, toHex, utf8 } from '../primitives/bytes.js';
import { sha256 } from '../primitives/crypto.js';

/** What signs: a log its notes (C2SP signed-note), a witness what it has seen, with the time (C2SP tlog-cosignature). */
export type SignatureType = 'ed25519' | 'cosignature/v1';

const TYPE_BYTES: Record<SignatureType, number> = { ed25519: 0x01, 'cosignature/v1': 0x04 };

/** A public key that notes are checked with, and the name that it signs under. C2SP signed-note. */
export interface VerifierKey {
  readonly name: string;
  /** The first four bytes of a hash of name, type and key, as a number. It tells keys apart and proves nothing. */
  readonly id: number;
  readonly type: SignatureType;
  readonly publicKey: Uint8Array;
}

/** @throws FormatInvalid a name with spaces or a plus, or not a key of 32 bytes */
export function verifierKey(name: string, type: SignatureType, publicKey: Uint8Array): VerifierKey {
  if (!isKeyName(name)) throw new FormatInvalid('the name of a key has no space, no plus, and is not empty');
  if (publicKey.length !== 32) throw new FormatInvalid('an Ed25519 public key has 32 bytes');
  const hash = sha256(concat(utf8(`${name}\n`), Uint8Array.of(TYPE_BYTES[type]), publicKey));
  return { name, id: new DataView(hash.buffer, hash.byteOffset).getUint32(0), type, publicKey };
}

/** The key as text: name, id and key, joined by plus signs. C2SP signed-note, "verifier keys". */
export function formatVerifierKey({ name, id, type, publicKey }: VerifierKey): string {
  return `${name}+${idText(id)}+${toBase64(concat(Uint8Array.of(TYPE_BYTES[type]), publicKey))}`;
}

/** @throws FormatInvalid */
export function parseVerifierKey(text: string): VerifierKey {
  const [, name, id, encoded] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{1,100})$/.exec(text) ?? [];
  if (name === undefined || id === undefined || encoded === undefined)
    throw new FormatInvalid('a verifier key is a name, eight hexadecimal digits and base64, joined by plus signs');
  const bytes = fromBase64(encoded);
  const type = (Object.keys(TYPE_BYTES) as SignatureType[]).find((one) => TYPE_BYTES[one] === bytes[0]);
  if (type === undefined) throw new FormatInvalid('the verifier key is of a type that is not known here');
  const key = verifierKey(name, type, bytes.slice(1));
  if (idText(key.id) !== id) throw new FormatInvalid('the verifier key is damaged: its id is not that of its bytes');
  return key;
}

export function isSameKey(one: VerifierKey, other: VerifierKey): boolean {
  return formatVerifierKey(one) === formatVerifierKey(other);
}

/** C2SP signed-note: not empty, no Unicode space, no plus. */
export function isKeyName(name: string): boolean {
  return (
    name !== '' &&
    !/[\s+\u0000-\u001f\u0085\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/u.test(name) &&
    name.isWellFormed()
  );
}

function idText(id: number): string {
  return toHex(Uint8Array.of(id >>> 24, id >>> 16, id >>> 8, id));
}
