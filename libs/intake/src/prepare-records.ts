import type { NewEntry } from '@sijill/event-store';
import type { EntryMaker, Provenance } from './entry-maker.js';
import type { RecordReading } from './kafka/read-record.js';
import type { Quarantine } from './quarantine/quarantine.js';

/** A record on its way into a lane: what it was read as, and its raw form should it go to quarantine. */
export interface ArrivedRecord {
  readonly reading: RecordReading;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly provenance: Provenance;
}

/** Entries for every record, in order: its events' entries, or its quarantine entries. Never none. */
export async function prepareRecords(
  records: readonly ArrivedRecord[],
  maker: EntryMaker,
  quarantine: Quarantine,
): Promise<NewEntry[][]> {
  const readable = records.flatMap(({ reading, provenance }) =>
    'accepted' in reading ? [{ accepted: reading.accepted, provenance }] : [],
  );
  const unreadable = records.flatMap(({ reading, ...record }) =>
    'errors' in reading
      ? [{ ...record, errors: reading.errors, source: reading.source, eventId: reading.eventId }]
      : [],
  );
  const made = (await maker.make(readable)).values();
  const kept = (await quarantine.make(unreadable)).values();
  return records.map(({ reading }) => ('accepted' in reading ? made.next().value! : kept.next().value!));
}
