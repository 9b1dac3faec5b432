import { FormatInvalid, jsonOf, readDecimal, toBase64 } from '../primitives/bytes.js';
import { MOST_HASHES, readHash } from '../proof/tlog-proof.js';

/** That a leaf is in the log, when the checkpoint is said elsewhere. */
export interface PlacedLeaf {
  readonly index: bigint;
  /** From the leaf's sibling upwards. */
  readonly path: readonly Uint8Array[];
}

/** An entry of a subject: its leaf, or the hash of it where what it says is withheld. */
export type AccountedEntry = PlacedLeaf & ({ readonly leaf: string } | { readonly hash: Uint8Array });

/** All entries of one subject, and what the map holds for it. */
export interface AccountedSubject {
  readonly subject: string;
  /** What the map holds for the subject. See `formatMapProof`. */
  readonly proof: string;
  /** In the order of the log. */
  readonly entries: readonly AccountedEntry[];
}

/**
 * That these are all entries of the log that concern a person: those of each subject that is the person, each entry with its place in
 * the log; the map of all subjects as an entry of the log has it, with its place, and what it holds for each of them; and one checkpoint
 * over all of it.
 */
export interface AccountingProof {
  /** Where the store stood when the report beside the proof was made, and how many leaves that was. */
  readonly asOf: { readonly position: bigint; readonly leaves: bigint };
  /** The checkpoint, a signed note. */
  readonly checkpoint: string;
  readonly map: PlacedLeaf & {
    /** The entry that carries the map's root. */
    readonly leaf: string;
  };
  /** Whom the accounting is of, and behind it, in any order, all who are linked to it. */
  readonly subjects: readonly AccountedSubject[];
}

export const ACCOUNTING_PROOF = 'sijill accounting proof v2';

/** As JSON, each entry on a line of its own. */
export function formatAccountingProof({ asOf, checkpoint, map, subjects }: AccountingProof): string {
  const head = {
    format: ACCOUNTING_PROOF,
    asOf: { position: String(asOf.position), leaves: String(asOf.leaves) },
    checkpoint,
    map: { ...placeText(map), leaf: map.leaf },
  };
  return `${withList(head, 'subjects', subjects.map(subjectText), '')}\n`;
}

function subjectText({ subject, proof, entries }: AccountedSubject): string {
  const lines = entries.map((entry) => {
    const content = 'leaf' in entry ? { leaf: entry.leaf } : { hash: toBase64(entry.hash) };
    return `        ${JSON.stringify({ ...placeText(entry), ...content })}`;
  });
  return `    ${withList({ subject, proof }, 'entries', lines, '    ')}`;
}

/** An object as indented JSON, and behind its members a list of what is written already. */
function withList(members: object, name: string, items: readonly string[], indent: string): string {
  const head = JSON.stringify(members, null, 2).slice(0, -2).replaceAll('\n', `\n${indent}`);
  const list = items.length === 0 ? '[]' : `[\n${items.join(',\n')}\n${indent}  ]`;
  return `${head},\n${indent}  "${name}": ${list}\n${indent}}`;
}

function placeText({ index, path }: PlacedLeaf): { index: string; path: string[] } {
  return { index: String(index), path: path.map(toBase64) };
}

const LONGEST = 2 ** 28;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Takes a proof apart. Nothing is verified by that.
 *
 * @throws FormatInvalid
 */
export function parseAccountingProof(text: string): AccountingProof {
  if (text.length > LONGEST) throw new FormatInvalid('the proof is longer than any that is read here');
  const document = jsonOf(text, 'not an accounting proof: it is no JSON');
  const { format, asOf, checkpoint, map, subjects } = membersOf(document, 'proof', [
    'format',
    'asOf',
    'checkpoint',
    'map',
    'subjects',
  ]);
  if (format !== ACCOUNTING_PROOF) throw new FormatInvalid(`an accounting proof has the format "${ACCOUNTING_PROOF}"`);
  const { index, path, leaf } = membersOf(map, 'map', ['index', 'path', 'leaf']);
  const { position, leaves } = membersOf(asOf, 'asOf of the proof', ['position', 'leaves']);
  if (!Array.isArray(subjects) || subjects.length === 0) throw new FormatInvalid('the proof is about nobody');
  return {
    asOf: { position: numberIn(position, 'position'), leaves: numberIn(leaves, 'number of leaves') },
    checkpoint: textIn(checkpoint, 'checkpoint'),
    map: { ...placeOf(index, path), leaf: textIn(leaf, 'leaf of the map') },
    subjects: subjects.map(subjectOf),
  };
}

function subjectOf(given: unknown): AccountedSubject {
  const { subject, proof, entries } = membersOf(given, 'subject', ['subject', 'proof', 'entries']);
  const id = textIn(subject, 'id of a subject');
  if (!UUID.test(id)) throw new FormatInvalid('a subject of the proof is no UUID');
  if (!Array.isArray(entries)) throw new FormatInvalid('the entries of the proof are no list');
  return { subject: id, proof: textIn(proof, 'proof of the map'), entries: entries.map(entryOf) };
}

function entryOf(given: unknown): AccountedEntry {
  const withheld = typeof given === 'object' && given !== null && 'hash' in given;
  const content = withheld ? 'hash' : 'leaf';
  const entry = membersOf(given, 'entry', ['index', 'path', content]);
  const place = placeOf(entry['index'], entry['path']);
  const said = textIn(entry[content], `${content} of an entry`);
  return withheld ? { ...place, hash: readHash(said) } : { ...place, leaf: said };
}

function placeOf(index: unknown, path: unknown): PlacedLeaf {
  if (!Array.isArray(path) || path.length > MOST_HASHES)
    throw new FormatInvalid(`the path of a leaf is a list of at most ${MOST_HASHES} hashes`);
  return { index: numberIn(index, 'index'), path: path.map((hash) => readHash(textIn(hash, 'hash'))) };
}

/** The members of an object that has these and no others. */
function membersOf<Name extends string>(given: unknown, what: string, names: readonly Name[]): Record<Name, unknown> {
  const object = typeof given === 'object' && given !== null ? given : {};
  const found = Object.keys(object);
  if (found.length !== names.length || !names.every((name) => Object.hasOwn(object, name)))
    throw new FormatInvalid(`the ${what} has the members ${names.join(', ')}, and no others`);
  return object as Record<Name, unknown>;
}

function numberIn(given: unknown, what: string): bigint {
  return readDecimal(textIn(given, what));
}

/** A text that is the same in UTF-8, since that is what is hashed. */
function textIn(given: unknown, what: string): string {
  if (typeof given !== 'string' || !given.isWellFormed()) throw new FormatInvalid(`the ${what} is no text`);
  return given;
}
