import { canonicalJson } from '@sijill/transparency';
import type { EntryText } from './event-store.port.js';

/**
 * The leaf of an entry, as the log of all entries hashes it: its canonical JSON (RFC 8785) with its place in its lane. The members
 * stand in their order, and the bodies are canonical already.
 */
export function leafText({ id, stream, revision, type, data, metadata }: EntryText): string {
  return `{"data":${data},"id":${canonicalJson(id)},"lane":${canonicalJson(stream)},"metadata":${metadata},"revision":${revision},"type":${canonicalJson(type)}}`;
}
