import { faultToKeep, type FieldError } from '@sijill/contracts';
import { ledgerEntry, StreamNotFound, type EventStore, type NewEntry, type StoredEntry } from '@sijill/event-store';
import { newEntryId, type Clock } from '@sijill/platform';
import { canonicalJson } from '@sijill/transparency';
import { keyIdOf, seal, unseal, type Vault } from '@sijill/vault';
import type { Provenance } from '../entry-maker.js';
import type { RecordHeaders } from '../kafka/read-record.js';

export const QUARANTINED = 'sijill.entry.quarantined.v1';

/** What arrived and could not be understood, as it arrived. */
export interface Unreadable {
  /** The record's value; null for a record without one. */
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  readonly errors: readonly FieldError[];
  /** The event's identity where it could be read. */
  readonly source: string | null;
  readonly eventId: string | null;
  readonly provenance: Provenance;
}

/** A record as it stands in quarantine: the entry that speaks for it, and what came. */
export interface Opened {
  readonly first: StoredEntry;
  readonly raw: RawRecord;
}

/** The raw record out of its quarantine entry. */
export interface RawRecord {
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
}

// A sealed part grows by a third and shares its entry with metadata; stores take about a megabyte in one append.
const BYTES_A_PART = 512 * 1024;
const REASONS_KEPT = 20;

/**
 * Makes quarantine entries: the raw bytes sealed under a key of their own, which is wrapped with the day's, so that they can be
 * destroyed one by one and day by day; the reason in clear, and nothing that came with the record. A record over half a megabyte
 * becomes several entries in a row, the first of which speaks for all.
 */
export class Quarantine {
  constructor(
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  /** Keys are durable when this returns. */
  async make(records: readonly Unreadable[]): Promise<NewEntry[][]> {
    const ids = records.map(() => newEntryId());
    const secrets = await this.vault.secrets.quarantined(ids);
    const now = this.clock.now();
    return records.map((record, i) => {
      const secret = secrets[i]!;
      const { source, eventId, provenance } = record;
      // An entry is for ever: of a field that nobody knows the name is the sender's own text.
      const kept = record.errors.map(faultToKeep);
      const parts = partsOf(packed(record));
      return parts.map((bytes, index): NewEntry => {
        const id = index === 0 ? ids[i]! : newEntryId();
        const identity =
          index > 0 ? {} : { identity: seal(secret, `${id}/identity`, canonicalJson({ source, eventId })) };
        const sealed = { ...identity, quarantine: seal(secret, `${id}/quarantine`, bytes) };
        const data = {
          reason: { code: record.errors[0]?.code ?? 'unreadable', message: reasonOf(kept) },
          errors: kept.slice(0, REASONS_KEPT).map((error) => ({ ...error })),
          size: record.value?.length ?? 0,
        };
        const keys = Object.fromEntries(Object.keys(sealed).map((part) => [part, secret.keyId]));
        const metadata = {
          producer: provenance.speaker.producer,
          ...provenance.arrival,
          ...(parts.length === 1 ? {} : { part: { index, of: parts.length } }),
        };
        return ledgerEntry(QUARANTINED, now, data, { id, principal: provenance.principal, sealed, keys, metadata });
      });
    });
  }

  /**
   * Opens a quarantine entry, all its parts.
   *
   * @returns `destroyed`: its key is gone. `cut`: a crash came in the middle of the record, and it was written anew, whole, behind this
   *   entry, since today other entries are made of it
   */
  async open(store: EventStore, lane: string, revision: number): Promise<Opened | 'destroyed' | 'cut'> {
    const parts = await partsFrom(store, lane, revision);
    if (parts === null) return 'cut';
    const bytes: Buffer[] = [];
    for (const part of parts) {
      // A record that was cut by a crash between two appends goes on under another key: its rest was made anew.
      const sealed = part.sealed['quarantine']!;
      const secret = await this.vault.secrets.byId(keyIdOf(sealed));
      if (secret === null) return 'destroyed';
      bytes.push(unseal(secret, `${part.id}/quarantine`, sealed));
    }
    return { first: parts[0]!, raw: unpacked(Buffer.concat(bytes)) };
  }
}

/** The parts of a record from its first on; null where others stand in their place. */
async function partsFrom(store: EventStore, lane: string, revision: number): Promise<StoredEntry[] | null> {
  const parts: StoredEntry[] = [];
  for await (const entry of store.readStream(lane, { from: revision })) {
    if (entry.foreign) continue;
    const { index, of } = partOf(entry);
    if (entry.type !== QUARANTINED || index !== parts.length || of !== partOf(parts[0] ?? entry).of) return null;
    parts.push(entry);
    if (parts.length === of) return parts;
  }
  if (parts.length === 0) throw new StreamNotFound(lane);
  return null;
}

function partOf({ metadata }: StoredEntry): { readonly index: number; readonly of: number } {
  return (metadata['part'] as { index: number; of: number } | undefined) ?? { index: 0, of: 1 };
}

function reasonOf(errors: readonly FieldError[]): string {
  const shown = errors
    .slice(0, 3)
    .map((error) => (error.path === '' ? error.message : `${error.path}: ${error.message}`));
  const more = errors.length - shown.length;
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '');
}

/** One line of JSON with the headers in base64, then the value as it came. Nothing is mended: a replay judges what first came. */
function packed(record: Unreadable): Buffer {
  const headers = Object.entries(record.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((each) => [name, Buffer.from(each as string).toString('base64')]),
  );
  const head = JSON.stringify({ headers, hasValue: record.value !== null });
  return Buffer.concat([Buffer.from(`${head}\n`), record.value ?? Buffer.alloc(0)]);
}

function unpacked(bytes: Buffer): RawRecord {
  const end = bytes.indexOf(0x0a);
  const head = JSON.parse(bytes.subarray(0, end).toString('utf8')) as {
    headers: [name: string, base64: string][];
    hasValue: boolean;
  };
  const headers: Record<string, Buffer | Buffer[]> = Object.create(null) as Record<string, Buffer | Buffer[]>;
  for (const [name, base64] of head.headers) {
    const earlier = headers[name];
    const value = Buffer.from(base64, 'base64');
    headers[name] = earlier === undefined ? value : [earlier, value].flat();
  }
  return { headers, value: head.hasValue ? bytes.subarray(end + 1) : null };
}

function partsOf(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let i = 0; i < bytes.length; i += BYTES_A_PART) parts.push(bytes.subarray(i, i + BYTES_A_PART));
  return parts;
}
