import { canonicalJson } from '../canonical-json.js';
import type { LeafEntry } from '../leaf-entry.js';
import { FormatInvalid, fromBase64Url, jsonOf, textOf, toBase64, toBase64Url } from '../primitives/bytes.js';
import { sha256OfText } from '../primitives/crypto.js';
import { ProofInvalid } from '../tree/proofs.js';
import { commitmentOf, decrypted, readSealedText } from './sealed-text.js';

/** What of an entry was opened, and holds. */
export interface OpeningVerified {
  /** What each opened part says, as it was opened here. */
  readonly sealed: Readonly<Record<string, unknown>>;
  /** The parts of the entry that stay closed. */
  readonly closed: readonly string[];
  /** Whether keys of those are said to be destroyed: nothing shows that. */
  readonly destroyed: boolean;
}

interface Unsealed {
  readonly entryId: string;
  readonly sealed: unknown;
  readonly opening: readonly Opening[];
  readonly destroyed: boolean;
}

interface Opening {
  readonly part: string;
  readonly keyId: string;
  readonly text: string;
  readonly key: string;
  readonly blinding: string;
}

const UNSEALED = ['entryId', 'sealed', 'opening', 'destroyed'];
const OPENING = ['part', 'keyId', 'text', 'key', 'blinding'];
const KEY_BYTES = 32;

/**
 * Checks an unsealed entry against its leaf: for each part that it opens, that the sealed text is the one whose hash the leaf has, that it
 * is this entry's and sealed with the secret that the entry names, that the key is the one that it commits to, that it opens, and that it
 * says what is shown. Nothing else is shown beside, whoever reads the file and in whatever way.
 *
 * @param text the answer that unsealing gives: JSON `{entryId, sealed, opening, destroyed}`, with white space or without
 * @throws FormatInvalid | ProofInvalid another entry's or part's opening, or changed by a bit
 */
export async function verifyOpening(leaf: LeafEntry, text: string): Promise<OpeningVerified> {
  const { entryId, sealed: shown, opening, destroyed } = readUnsealed(text);
  if (entryId !== leaf.id) throw new ProofInvalid('the opening is of another entry');
  const hashes = objectOf(leaf.data['sealed']);
  const sealed: Record<string, unknown> = {};
  for (const each of opening) {
    if (Object.hasOwn(sealed, each.part)) throw new FormatInvalid('a part is opened twice');
    sealed[each.part] = await openedPart(leaf, hashes, each);
  }
  if (!saysTheSame(sealed, shown)) throw new ProofInvalid('what is shown is not what the sealed parts say');
  const closed = Object.keys(hashes).filter((part) => !Object.hasOwn(sealed, part));
  if (destroyed && closed.length === 0) throw new ProofInvalid('all of it is opened, and some is said to be destroyed');
  return { sealed, closed, destroyed };
}

async function openedPart(
  leaf: LeafEntry,
  hashes: Readonly<Record<string, unknown>>,
  { part, keyId, text, key, blinding }: Opening,
): Promise<unknown> {
  if (!Object.hasOwn(hashes, part)) throw new ProofInvalid('the entry has no such sealed part');
  if (hashes[part] !== toBase64Url(sha256OfText(text)))
    throw new ProofInvalid('the sealed text is not the one whose hash the entry has');
  const sealed = readSealedText(text);
  const [keyBytes, blindingBytes] = [fromBase64Url(key), fromBase64Url(blinding)];
  if (keyBytes.length !== KEY_BYTES || blindingBytes.length !== KEY_BYTES)
    throw new FormatInvalid('a key and its blinding have 32 bytes each');
  if (sealed.keyId !== keyId || objectOf(leaf.metadata['keys'])[part] !== keyId)
    throw new ProofInvalid('the sealed text names another secret than the entry');
  if (!belongs(leaf, part, sealed.context)) throw new ProofInvalid('the sealed text belongs to another entry or part');
  if (sealed.commitment !== commitmentOf(keyBytes, blindingBytes))
    throw new ProofInvalid('the key is not the one that the sealed text commits to');
  const bytes = await decrypted(sealed, keyBytes);
  if (bytes === null) throw new ProofInvalid('the sealed text does not open under its key');
  // Records that were not understood are bytes, whatever came; all other parts are JSON.
  return part === 'quarantine' ? { base64: toBase64(bytes) } : jsonOf(textOf(bytes), 'a sealed part is no JSON');
}

/** Details that several entries of an event share are bound to the event; the staff's are sealed once for many entries. */
function belongs(leaf: LeafEntry, part: string, context: string): boolean {
  if (part === 'shared') return context === `event/${String(objectOf(leaf.metadata['event'])['digest'])}`;
  if (part === 'staff') return /^staff\/[\w-]+$/.test(context);
  return context === `${leaf.id}/${part}`;
}

/** @throws FormatInvalid also where the text could be read in another way than here */
function readUnsealed(text: string): Unsealed {
  const value = jsonOf(text, 'the opened entry is no JSON');
  if (!isUnsealed(value))
    throw new FormatInvalid(
      'an opened entry has entryId, sealed, destroyed, and opening: part, keyId, text, key and blinding each; and nothing else',
    );
  // A member that is there twice, or a number with more digits than it keeps: one reader shows this, and another that.
  if (withoutSpace(text) !== JSON.stringify(value))
    throw new FormatInvalid('the opened entry reads otherwise than the ledger writes it');
  if (value.opening.length === 0) throw new FormatInvalid('nothing is opened in it');
  return value;
}

/** A JSON text without the white space between its signs. */
function withoutSpace(text: string): string {
  let kept = '';
  let from = 0;
  let inString = false;
  // No pattern does this: a string can be longer than one goes through.
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]!;
    if (inString && sign === '\\') at++;
    else if (sign === '"') inString = !inString;
    else if (!inString && ' \t\n\r'.includes(sign)) {
      kept += text.slice(from, at);
      from = at + 1;
    }
  }
  return kept + text.slice(from);
}

function isUnsealed(value: unknown): value is Unsealed {
  if (!hasJust(value, UNSEALED)) return false;
  const { entryId, sealed, opening, destroyed } = value;
  return (
    typeof entryId === 'string' &&
    isObject(sealed) &&
    Array.isArray(opening) &&
    opening.every(isOpening) &&
    typeof destroyed === 'boolean'
  );
}

function isOpening(value: unknown): value is Opening {
  return hasJust(value, OPENING) && Object.values(value).every((each) => typeof each === 'string');
}

/** Whether it is an object with these members, and no others. */
function hasJust(value: unknown, names: readonly string[]): value is Readonly<Record<string, unknown>> {
  return (
    isObject(value) && Object.keys(value).length === names.length && names.every((name) => Object.hasOwn(value, name))
  );
}

/** Where something is no canonical JSON it is not what a sealed part says. */
function saysTheSame(sealed: unknown, shown: unknown): boolean {
  try {
    return canonicalJson(sealed) === canonicalJson(shown);
  } catch {
    return false;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
