import { sealedHash, type StoredEntry } from '@sijill/event-store';
import { contextOf, keyIdOf, openingOf, openWith, SealBroken, type Secret } from '@sijill/vault';

/** What opens one sealed part of an entry, and shows that it is the right thing. It opens nothing else. */
export interface PartOpening {
  readonly part: string;
  /** Of the secret that the part's own key follows from, as the entry names it. */
  readonly keyId: string;
  /** The sealed text, a JWE in compact form: its SHA-256 stands in the entry's leaf. */
  readonly text: string;
  /** The AES-256-GCM key of this text alone, and what its commitment was made with beside it: base64url. */
  readonly key: string;
  readonly blinding: string;
}

export interface OpenedEntry {
  readonly entryId: string;
  /** By part: what it says; bytes that are no JSON as `{base64}`. */
  readonly sealed: Readonly<Record<string, unknown>>;
  readonly opening: readonly PartOpening[];
  /** Whether some of it was destroyed, and is not here. */
  readonly destroyed: boolean;
}

/**
 * Opens what can still be opened of an entry.
 *
 * @throws SealBroken what lies beside the entry is not what was sealed in it
 */
export async function openEntry(
  secrets: { byIds(keyIds: readonly string[]): Promise<ReadonlyMap<string, Secret>> },
  { id, data, sealed: texts }: StoredEntry,
): Promise<OpenedEntry> {
  const parts = Object.entries(texts);
  const found = await secrets.byIds(parts.map(([, text]) => keyIdOf(text)));
  const hashes = (data['sealed'] ?? {}) as Readonly<Record<string, unknown>>;
  const sealed: Record<string, unknown> = {};
  const opening: PartOpening[] = [];
  for (const [part, text] of parts) {
    const keyId = keyIdOf(text);
    const secret = found.get(keyId);
    if (secret === undefined) continue;
    if (hashes[part] !== sealedHash(text)) throw new SealBroken('the sealed text is not the one that was recorded');
    const context = contextOf(text);
    const opener = openingOf(secret, context);
    sealed[part] = saidIn(part, openWith(opener, context, text));
    const { key, blinding } = opener;
    opening.push({ part, keyId, text, key: key.toString('base64url'), blinding: blinding.toString('base64url') });
  }
  return { entryId: id, sealed, opening, destroyed: opening.length < parts.length };
}

/** Quarantined records are bytes, whatever came; all other parts are JSON. */
function saidIn(part: string, bytes: Buffer): unknown {
  return part === 'quarantine' ? { base64: bytes.toString('base64') } : JSON.parse(bytes.toString('utf8'));
}
