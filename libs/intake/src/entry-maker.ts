import { createHmac } from 'node:crypto';
import { ENVELOPE_ATTRIBUTES, type FieldError } from '@sijill/contracts';
import type { JsonObject, JsonValue, NewEntry } from '@sijill/event-store';
import { isoTime, newEntryId, newSalt, type Clock } from '@sijill/platform';
import { canonicalJson } from '@sijill/transparency';
import { LEDGER_HOLDER, seal, type HolderKeys, type Identifier, type ResolvedSubject, type Vault } from '@sijill/vault';
import type { AcceptedEvent } from './accepted-event.js';

/** How an event came, as it goes into the metadata of its entries. */
export interface Provenance {
  /** The authenticated sender, or the topic's configured owner. */
  readonly producer: string | null;
  /** Where exactly: `{kafka: {…}}`, `{http: {…}}`, `{file: {…}}`. */
  readonly arrival: JsonObject;
}

export interface MadeEntry extends NewEntry {
  readonly subjectId: string | null;
}

/** What became of an event. */
export type Made = { readonly entries: MadeEntry[] } | { readonly errors: readonly FieldError[] };

const UNWRITABLE: FieldError = {
  path: '',
  code: 'unwritable',
  message: 'passed every check and can still not be written; please report the shape of this event',
};

interface Entrant {
  readonly resolved: ResolvedSubject;
  readonly given: Identifier[];
  readonly role: string | null;
}

/** Turns accepted events into entries: one for each data subject, its personal part sealed with that subject's key. */
export class EntryMaker {
  constructor(
    private readonly vault: Vault,
    private readonly clock: Clock,
  ) {}

  /**
   * Makes the entries of a batch, in the order of the events. One look into the vault for all of them; its rows are durable
   * before this returns, so an entry can never be stored that nobody can open.
   *
   * An event that cannot be written though it passed every check is refused by itself. None is known, each would be a hole in the
   * checks; but one that came over Kafka would otherwise keep all behind it out, for ever.
   *
   * @throws SubjectErased | DatabaseUnavailable  what is no fault of an event
   */
  async make(batch: readonly { accepted: AcceptedEvent; provenance: Provenance }[]): Promise<Made[]> {
    const people = batch.flatMap(({ accepted }) => accepted.people.map((person) => person.normalized));
    const resolved = await this.vault.resolve(people);
    const ledger = await this.vault.holder(LEDGER_HOLDER);
    const recordedAt = isoTime(this.clock.now());
    let next = 0;
    return batch.map(({ accepted, provenance }) => {
      const subjects = resolved.slice(next, (next += accepted.people.length));
      try {
        return { entries: this.entriesOf(accepted, distinct(accepted, subjects), ledger, provenance, recordedAt) };
      } catch (error) {
        if (error instanceof TypeError || error instanceof RangeError) return { errors: [UNWRITABLE] };
        throw error;
      }
    });
  }

  private entriesOf(
    accepted: AcceptedEvent,
    entrants: readonly Entrant[],
    ledger: HolderKeys,
    provenance: Provenance,
    recordedAt: string,
  ): MadeEntry[] {
    const { event } = accepted;
    const { dataSubjects: _, actor, details, ...open } = event.data as unknown as JsonObject;
    const { contact, ...recipient } = (open['recipient'] ?? {}) as JsonObject;
    const clear: JsonObject = {
      ...open,
      ...(open['recipient'] === undefined ? {} : { recipient }),
      occurredAt: isoTime(accepted.occurredAt),
    };
    const sealedForAll = { actor, details, recipientContact: contact };

    // The digest dies with the first subject's key: without clear text it tells a repeat from a conflict, and only while that
    // person is in the vault.
    const digest = createHmac('sha256', (entrants[0]?.resolved.keys ?? ledger).digest)
      .update(canonicalJson({ type: event.type, time: event.time, data: event.data }))
      .digest('base64url');
    const shared: JsonObject = {
      recordedAt,
      producer: provenance.producer,
      source: event.source,
      eventId: event.id,
      digest,
      ...provenance.arrival,
      ...extensionsOf(event),
    };

    const entry = (keys: HolderKeys, entrant: Entrant | null, part: JsonObject): MadeEntry => {
      const id = newEntryId();
      const personal = canonicalJson({ ...sealedForAll, identifiers: entrant?.given });
      const subjectId = entrant?.resolved.subjectId ?? null;
      const conflicts = entrant?.resolved.conflicts ?? [];
      return {
        id,
        type: event.type,
        subjectId,
        data: {
          ...clear,
          ...(entrant === null ? {} : { subjectId, role: entrant.role }),
          ...(personal === '{}' ? {} : { sealed: seal(keys, id, personal) }),
        },
        metadata: {
          ...shared,
          ...part,
          salt: newSalt(),
          ...(conflicts.length === 0 ? {} : { identityConflicts: conflicts.map((conflict) => ({ ...conflict })) }),
        },
      };
    };
    if (entrants.length === 0) return [entry(ledger, null, {})];
    return entrants.map((entrant, index) =>
      entry(entrant.resolved.keys, entrant, entrants.length === 1 ? {} : { part: { index, of: entrants.length } }),
    );
  }
}

/** The same person twice in one event makes one entry, with all the identifiers given. */
function distinct(accepted: AcceptedEvent, subjects: readonly ResolvedSubject[]): Entrant[] {
  const entrants = new Map<string, Entrant>();
  accepted.people.forEach((person, i) => {
    const resolved = subjects[i]!;
    const earlier = entrants.get(resolved.subjectId);
    if (earlier === undefined)
      entrants.set(resolved.subjectId, { resolved, given: [...person.given], role: person.role });
    else earlier.given.push(...person.given);
  });
  return [...entrants.values()];
}

function extensionsOf(event: object): { extensions?: JsonObject } {
  const extensions: JsonObject = {};
  for (const [name, value] of Object.entries(event)) {
    const kept = name === 'subject' || name === 'dataschema' || !ENVELOPE_ATTRIBUTES.includes(name);
    if (kept) extensions[name] = value as JsonValue;
  }
  return Object.keys(extensions).length === 0 ? {} : { extensions };
}
