import type { JsonObject } from './event-store.port.js';

/**
 * The metadata of an entry as it is stored: its head, and behind it one more member, which is in no leaf. `~` sorts behind every
 * other name, so that all of it is canonical JSON, and the head is what stands before it.
 *
 *     {…head…,"~":{"by":"<key>","mac":"<base64url>","sealed":{"<part>":"<JWE>"}}}
 */
const MARK = ',"~":{';
const BY = `${MARK}"by":"`;
const MAC = '","mac":"';
const MAC_LENGTH = 43;
const SEALED = '"sealed":';
const SEALED_PARTS = `${SEALED}{`;

/** What an authenticator can take in the stored metadata, with the longest id of a key. */
export const AUTHENTICATOR_BYTES = `${BY}${'k'.repeat(64)}${MAC}${'m'.repeat(MAC_LENGTH)}",${SEALED}}}`.length;

/** Whether a head can be told from what is stored behind it. @param text of the same, as canonical JSON */
export function isHead(head: JsonObject, text: string): boolean {
  return text !== '{}' && !text.includes(MARK) && Object.keys(head).every((name) => name < '~');
}

export interface Beside {
  /** The key that the authenticator was made with; empty, like the mac, where there is none. */
  readonly by: string;
  readonly mac: string;
  /** The sealed parts, as canonical JSON; empty when there are none. */
  readonly sealed: string;
}

/** The metadata to be stored. */
export function storedMetadata(head: string, { by, mac, sealed }: Beside): string {
  if (by === '') return sealed === '' ? head : `${head.slice(0, -1)}${MARK}${SEALED}${sealed}}}`;
  const behind = sealed === '' ? '' : `,${SEALED}${sealed}`;
  return `${head.slice(0, -1)}${BY}${by}${MAC}${mac}"${behind}}}`;
}

/** Stored metadata as the head without the brace that closes it, and the text behind it from the mark on: empty where there is none. */
export function splitMetadata(metadata: string): { readonly open: string; readonly beside: string } {
  const at = metadata.indexOf(MARK);
  return at < 0
    ? { open: metadata.slice(0, -1), beside: '' }
    : { open: metadata.slice(0, at), beside: metadata.slice(at) };
}

/** What the text behind a head says; null when it is none that `storedMetadata` writes. That sealed parts are JSON is not looked at. */
export function readBeside(beside: string): Beside | null {
  if (beside === '') return { by: '', mac: '', sealed: '' };
  if (!beside.startsWith(BY)) return bareSealed(beside, MARK.length);
  const byEnd = beside.indexOf('"', BY.length);
  const macAt = byEnd + MAC.length;
  const macEnd = macAt + MAC_LENGTH;
  if (!beside.startsWith(MAC, byEnd) || beside[macEnd] !== '"') return null;
  const made = { by: beside.slice(BY.length, byEnd), mac: beside.slice(macAt, macEnd) };
  if (beside.length === macEnd + 3 && beside.endsWith('}}')) return { ...made, sealed: '' };
  const rest = beside[macEnd + 1] === ',' ? bareSealed(beside, macEnd + 2) : null;
  return rest === null ? null : { ...made, sealed: rest.sealed };
}

function bareSealed(beside: string, at: number): Beside | null {
  const isSealed = beside.startsWith(SEALED_PARTS, at) && beside.endsWith('}}}');
  return isSealed ? { by: '', mac: '', sealed: beside.slice(at + SEALED.length, -2) } : null;
}

/**
 * The text that an authenticator covers: the hash of the entry's leaf, with all of the entry in it, but for the texts of its sealed
 * parts, whose hashes the data has; and the place where it stands, so that a copy elsewhere is not one. How long the data is stands
 * beside it: then the text of a leaf can be cut into its parts in one way only.
 *
 * @param leafHash in hex
 */
export function authenticatedText(data: string, leafHash: string): string {
  return `sijill entry v2\n${data.length}\n${leafHash}`;
}
