import type { NewEntry, WrittenEntry } from '@sijill/event-store';
import type { EntryMaker, Provenance } from './entry-maker.js';
import type { RecordHeaders, RecordReading } from './kafka/read-record.js';
import type { Quarantine } from './quarantine/quarantine.js';

/** A record on its way into a lane: what it was read as, and its raw form should it go to quarantine. */
export interface ArrivedRecord {
  readonly reading: RecordReading;
  readonly value: Buffer | null;
  readonly headers: RecordHeaders;
  readonly provenance: Provenance;
}

/** Entries for every record, in order: its events' entries, or its quarantine entries. Never none. */
export async function prepareRecords(
  records: readonly ArrivedRecord[],
  maker: EntryMaker,
  quarantine: Quarantine,
): Promise<(readonly (NewEntry | WrittenEntry)[])[]> {
  const readable = records.flatMap(({ reading, provenance }) =>
    'accepted' in reading ? [{ accepted: reading.accepted, provenance }] : [],
  );
  const made = (await maker.make(readable)).values();
  const outcomes = records.map((record) => {
    const outcome = 'accepted' in record.reading ? made.next().value! : { errors: record.reading.errors };
    return { record, outcome };
  });
  const unreadable = outcomes.flatMap(({ record: { reading, ...record }, outcome }) =>
    'errors' in outcome ? [{ ...record, errors: outcome.errors, ...reading.identity() }] : [],
  );
  const kept = (await quarantine.make(unreadable)).values();
  return outcomes.map(({ outcome }) => ('entries' in outcome ? outcome.entries : kept.next().value!));
}
