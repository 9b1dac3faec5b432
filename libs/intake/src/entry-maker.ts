import { ENVELOPE_ATTRIBUTES, OPEN_EXTENSIONS, type FieldError, type Speaker } from '@sijill/contracts';
import { ENTRY_FORMAT, measured, sealedHash, type JsonObject, type WrittenEntry } from '@sijill/event-store';
import { isoTime, newEntryId, newSalt, type Clock } from '@sijill/platform';
import { canonicalJson } from '@sijill/transparency';
import {
  ReleaseRefused,
  seal,
  SubjectErased,
  yearOf,
  type ResolvedPerson,
  type Secret,
  type SubjectSecrets,
  type TagKey,
  type Vault,
} from '@sijill/vault';
import type { AcceptedEvent } from './accepted-event.js';
import type { EventKey } from './entry-catalogue.js';
import { objectOf, splitEvent, type Member, type SplitEvent, type SplitSubject } from './split-event.js';

/** How an event came, as it goes into the metadata of its entries. */
export interface Provenance {
  /** Who sent it: the producer of the key, or of the topic. */
  readonly speaker: Speaker;
  /** Who caused it: the principal of the key, or the topic. */
  readonly principal: string;
  /** Where exactly: `{kafka: {…}}`, `{http: {…}}`, `{file: {…}}`. */
  readonly arrival: JsonObject;
}

export interface MadeEntry extends WrittenEntry {
  readonly subjectId: string | null;
}

/** What became of an event. */
export type Made =
  { readonly entries: MadeEntry[]; readonly event: EventKey } | { readonly errors: readonly FieldError[] };

export interface ArrivedEvent {
  readonly accepted: AcceptedEvent;
  readonly provenance: Provenance;
}

const UNWRITABLE: FieldError = {
  path: '',
  code: 'unwritable',
  message: 'passed every check and can still not be written; please report the shape of this event',
};

/** Whom an entry is about: the one or, where the event named somebody twice, all that it said of them. */
interface Entrant {
  readonly id: string;
  readonly person: ResolvedPerson;
  readonly subjects: SplitSubject[];
}

/** Whom an event names, and the entry that it becomes unless it is named twice. */
interface NamedEntrant {
  readonly id: string;
  readonly person: ResolvedPerson;
}

const ATTEMPTS = 5;

const RELEASED = 'sijill.identifier.released.v1';

/** What the entries of one event have in common, on its way to them. */
interface Shared {
  readonly arrived: ArrivedEvent;
  readonly split: SplitEvent;
  readonly key: TagKey;
  readonly event: EventKey & { readonly digest: string };
  readonly entrants: readonly Entrant[];
}

/** A sealed part, and the hash of it that stands in the entry. */
interface SealedPart {
  readonly name: string;
  readonly keyId: string;
  readonly text: string;
  readonly sha256: string;
}

/** References that must be found again, by an authority's request or a person's: a keyed tag of each stands in the metadata. */
const TAGGED = ['request.reference', 'requestId'];

/** Turns accepted events into entries: one for each data subject, what is personal in it sealed. Format 2; see ADR 14. */
export class EntryMaker {
  constructor(
    private readonly vault: Vault,
    private readonly clock: Clock,
    /** Whether the policy in force lists a recipient or customer. */
    private readonly isListed: (partyId: string) => boolean = () => false,
  ) {}

  /**
   * Makes the entries of a batch, in the order of the events. One look into the vault for all of them; its rows are durable
   * before this returns, so an entry can never be stored that nobody can open. A release takes effect here, and is refused here.
   *
   * An event that cannot be written though it passed every check is refused by itself. None is known, each would be a hole in the
   * checks; but one that came over Kafka would otherwise keep all behind it out, for ever.
   *
   * @throws SubjectErased | DatabaseUnavailable  what is no fault of an event
   */
  async make(batch: readonly ArrivedEvent[]): Promise<Made[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.makeNow(batch);
      } catch (error) {
        // Somebody was forgotten between the resolving and the sealing: the identifiers make somebody new.
        if (!(error instanceof SubjectErased) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  private async makeNow(batch: readonly ArrivedEvent[]): Promise<Made[]> {
    if (batch.length === 0) return [];
    const now = this.clock.now();
    const resolved = await this.resolve(batch);
    const keyAt = await this.vault.tags.ready(batch.map(({ accepted }) => accepted.occurredAt));
    const ready = batch.map((arrived, i): Shared | FieldError => {
      const named = resolved[i]!;
      return 'code' in named ? named : writing(() => this.split(arrived, keyAt(arrived.accepted.occurredAt), named));
    });
    const writer = await this.writerOf(ready.filter(isReady), now);
    return ready.map((event): Made => {
      if (!isReady(event)) return { errors: [event] };
      const made = writing(() => writer.entriesOf(event));
      return 'code' in made ? { errors: [made] } : { entries: made, event: event.event };
    });
  }

  /** The identities of events, in order; no entry is made. */
  async keysOf(
    events: readonly { readonly accepted: AcceptedEvent; readonly producer: string }[],
  ): Promise<EventKey[]> {
    const keyAt = await this.vault.tags.ready(events.map(({ accepted }) => accepted.occurredAt));
    return events.map(({ accepted, producer }) => eventKey(keyAt(accepted.occurredAt), producer, accepted));
  }

  /**
   * Whose entries the events become, in their order. What stands before a release is decided before it, and what stands behind it
   * behind it.
   *
   * @returns the people of each event; or why it is refused
   */
  private async resolve(batch: readonly ArrivedEvent[]): Promise<(readonly NamedEntrant[] | FieldError)[]> {
    const resolved: (readonly NamedEntrant[] | FieldError)[] = [];
    for (let from = 0; from < batch.length;) {
      const release = batch.findIndex(({ accepted }, i) => i >= from && accepted.event.type === RELEASED);
      const to = release === -1 ? batch.length : release;
      resolved.push(...(await this.resolveTogether(batch.slice(from, to))));
      if (release !== -1) resolved.push(await this.release(batch[release]!));
      from = to + 1;
    }
    return resolved;
  }

  private async resolveTogether(batch: readonly ArrivedEvent[]): Promise<(readonly NamedEntrant[])[]> {
    const ids = batch.map(({ accepted }) => accepted.people.map(() => newEntryId()));
    const people = batch.flatMap(({ accepted: { people: named, occurredAt }, provenance: { speaker } }, i) =>
      named.map(({ identifiers }, k) => ({ identifiers, at: occurredAt, speaker, entryId: ids[i]![k]! })),
    );
    const resolved = people.length === 0 ? [] : await this.vault.directory.resolve(people);
    let next = 0;
    return ids.map((own) => own.map((id) => ({ id, person: resolved[next++]! })));
  }

  /** The schema has seen to it that it names one person by one identifier. */
  private async release({
    accepted,
    provenance: { speaker },
  }: ArrivedEvent): Promise<readonly NamedEntrant[] | FieldError> {
    const identifier = accepted.people[0]!.identifiers[0]!;
    try {
      const person = await this.vault.directory.release({ identifier, at: accepted.occurredAt, speaker });
      return [{ id: newEntryId(), person }];
    } catch (error) {
      if (!(error instanceof ReleaseRefused)) throw error;
      return { path: 'data.dataSubjects[0].identifiers[0]', code: 'release_refused', message: error.message };
    }
  }

  private split(arrived: ArrivedEvent, key: TagKey, named: readonly NamedEntrant[]): Shared {
    const { event } = arrived.accepted;
    const split = splitEvent(event, {
      isListed: this.isListed,
      opaqueId: (id) => `person-${key.tag('party', id)}`,
    });
    return {
      arrived,
      split,
      key,
      event: {
        ...eventKey(key, arrived.provenance.speaker.producer, arrived.accepted),
        digest: key.digest(split.whole),
      },
      entrants: distinct(split, named),
    };
  }

  /** Everything that entries are sealed with, durable. */
  private async writerOf(events: readonly Shared[], now: number): Promise<EntryWriter> {
    const { secrets } = this.vault;
    const year = yearOf(now);
    const subjects = await secrets.ofSubjects(
      events.flatMap(({ entrants }) => entrants.map(({ person }) => person.subjectId)),
    );
    const sharing = events.filter(({ split, entrants }) => split.details !== null && entrants.length > 1);
    const shared = await secrets.shared(sharing.map(({ entrants }) => entrants.map(({ person }) => person.subjectId)));
    return new EntryWriter({
      subjects,
      shared: new Map(sharing.map((event, i) => [event, shared[i]!])),
      // Each is a look into the vault, and few batches need both.
      staff: events.some(({ split }) => split.staff !== null) ? await secrets.ofStaff(year) : null,
      ledger: events.some(({ entrants }) => entrants.length === 0) ? await secrets.ofLedger(year) : null,
      now,
      year,
    });
  }
}

function eventKey(key: TagKey, producer: string, { event }: AcceptedEvent): EventKey {
  return { generation: key.generation, tag: key.tag('event', producer, event.source, event.id) };
}

function isReady(event: Shared | FieldError): event is Shared {
  return 'split' in event;
}

function writing<T>(work: () => T): T | FieldError {
  try {
    return work();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return UNWRITABLE;
    throw error;
  }
}

/** The same person twice in one event makes one entry, with all that was given. */
function distinct(split: SplitEvent, named: readonly NamedEntrant[]): Entrant[] {
  const entrants = new Map<string, Entrant>();
  named.forEach(({ id, person }, i) => {
    const subject = split.subjects[i]!;
    const earlier = entrants.get(person.subjectId);
    if (earlier === undefined) entrants.set(person.subjectId, { id, person, subjects: [subject] });
    else earlier.subjects.push(subject);
  });
  return [...entrants.values()];
}

interface WriterParts {
  readonly subjects: ReadonlyMap<string, SubjectSecrets>;
  readonly shared: ReadonlyMap<Shared, Secret>;
  /** Null where nothing of the batch is sealed with it. */
  readonly staff: Secret | null;
  readonly ledger: Secret | null;
  /** Milliseconds. */
  readonly now: number;
  readonly year: number;
}

/** Writes the entries of one batch: all texts canonical JSON from the start, so that none is made twice. */
class EntryWriter {
  private readonly recordedAt: string;
  /** One text for all that one person did in this batch: who released data is often one service, and sealing is most of the work. */
  private readonly staff = new Map<string, SealedPart>();

  constructor(private readonly parts: WriterParts) {
    this.recordedAt = isoTime(parts.now);
  }

  entriesOf(event: Shared): MadeEntry[] {
    const { entrants, split, arrived } = event;
    const staff = split.staff === null ? [] : [this.staffPart(split.staff)];
    const secret = this.parts.shared.get(event);
    const details =
      secret === undefined
        ? []
        : [sealedPart('shared', secret, `event/${event.event.digest}`, `{"details":${split.details}}`)];
    if (entrants.length === 0) {
      const id = newEntryId();
      const own = sealedPart('ledger', this.parts.ledger!, `${id}/ledger`, ownText(event, null));
      return [this.entry(event, id, null, [own, ...staff], null)];
    }
    const controller = (arrived.accepted.event.data as { onBehalfOf?: { id: string } }).onBehalfOf?.id ?? null;
    const scope = { retentionClass: 'default', controller, year: this.parts.year };
    return entrants.map((entrant, index) => {
      const { id, person } = entrant;
      const key = this.parts.subjects.get(person.subjectId)!.of(scope);
      const own = sealedPart('subject', key, `${id}/subject`, ownText(event, entrant));
      const part = entrants.length === 1 ? null : `{"index":${index},"of":${entrants.length}}`;
      return this.entry(event, id, entrant, [...details, ...staff, own], part);
    });
  }

  private staffPart(text: string): SealedPart {
    let part = this.staff.get(text);
    if (part === undefined) {
      part = sealedPart('staff', this.parts.staff!, `staff/${newSalt()}`, text);
      this.staff.set(text, part);
    }
    return part;
  }

  /** @param sealed in the order of their names */
  private entry(
    event: Shared,
    id: string,
    entrant: Entrant | null,
    sealed: readonly SealedPart[],
    part: string | null,
  ): MadeEntry {
    const {
      accepted: { event: given },
    } = event.arrived;
    const subjectId = entrant?.person.subjectId ?? null;
    const data = this.data(event, entrant, sealed);
    const head = this.head(event, entrant?.person ?? null, sealed, part);
    const texts = objectOf(sealed.map(({ name, text }) => [name, `"${text}"`]));
    const written = measured({ id, type: given.type, data, metadata: head, sealed: texts });
    return { ...written, subjectId };
  }

  private data({ split, arrived }: Shared, entrant: Entrant | null, sealed: readonly SealedPart[]): string {
    const members: Member[] = [...split.open];
    if (split.has !== null) members.push(['has', split.has]);
    members.push(['occurredAt', `"${isoTime(arrived.accepted.occurredAt)}"`]);
    const role = entrant?.subjects.find((subject) => subject.role !== null)?.role;
    if (role !== undefined && role !== null) members.push(['role', role]);
    members.push(['sealed', objectOf(sealed.map(({ name, sha256 }) => [name, `"${sha256}"`]))]);
    if (entrant !== null) members.push(['subjectId', `"${entrant.person.subjectId}"`]);
    return objectOf(members.sort(byName));
  }

  /** The members stand in their order. */
  private head(
    { arrived: { accepted, provenance }, event, key }: Shared,
    person: ResolvedPerson | null,
    sealed: readonly SealedPart[],
    part: string | null,
  ): string {
    const { file, http, kafka, replayOf, replayedFrom } = provenance.arrival;
    const { sequence, source, traceparent } = accepted.event;
    const tags = TAGGED.flatMap((path): Member[] => {
      const reference = referenceAt(accepted.event.data, path);
      return reference === undefined ? [] : [[path, `"${key.tag(path, reference)}"`]];
    });
    const members: (Member | null)[] = [
      person === null || person.cases.length === 0 ? null : ['cases', canonicalJson(person.cases)],
      ['event', `{"digest":"${event.digest}","generation":"${event.generation}","tag":"${event.tag}"}`],
      given('file', file),
      ['format', String(ENTRY_FORMAT)],
      given('http', http),
      given('kafka', kafka),
      ['keys', objectOf(sealed.map(({ name, keyId }) => [name, `"${keyId}"`]))],
      part === null ? null : ['part', part],
      ['principal', canonicalJson(provenance.principal)],
      ['producer', canonicalJson(provenance.speaker.producer)],
      ['recordedAt', `"${this.recordedAt}"`],
      given('replayOf', replayOf),
      given('replayedFrom', replayedFrom),
      ['salt', `"${newSalt()}"`],
      given('sequence', sequence?.toString()),
      ['source', canonicalJson(source)],
      tags.length === 0 ? null : ['tags', objectOf(tags)],
      given('traceparent', traceparent),
      person === null ? null : ['vault', String(person.sequence)],
    ];
    return objectOf(members.filter((member) => member !== null));
  }
}

function given(name: string, value: unknown): Member | null {
  return value === undefined ? null : [name, canonicalJson(value)];
}

function byName([a]: Member, [b]: Member): number {
  return a < b ? -1 : 1;
}

function sealedPart(name: string, secret: Secret, context: string, text: string): SealedPart {
  const sealed = seal(secret, context, text);
  return { name, keyId: secret.keyId, text: sealed, sha256: sealedHash(sealed) };
}

/**
 * What is sealed with the key of whom the entry is about. The members stand in their order.
 *
 * @param entrant null for an entry about nobody
 */
function ownText({ arrived, split, entrants }: Shared, entrant: Entrant | null): string {
  const { event } = arrived.accepted;
  const extensions = sealedAttributes(event);
  const subjects = entrant?.subjects ?? [];
  const [first] = subjects;
  const details = subjects.map((subject) => subject.details).filter((text) => text !== null);
  const members: (Member | null)[] = [
    split.details === null || entrants.length > 1 ? null : ['details', split.details],
    ['eventId', canonicalJson(event.id)],
    extensions === null ? null : ['extensions', extensions],
    split.fields === null ? null : ['fields', split.fields],
    first === undefined
      ? null
      : ['identifiers', subjects.length === 1 ? first.identifiers : joined(subjects.map((each) => each.identifiers))],
    details.length === 0 ? null : ['subjectDetails', details.length === 1 ? details[0]! : `[${details.join(',')}]`],
  ];
  return objectOf(members.filter((member) => member !== null));
}

/** Lists as one list. */
function joined(lists: readonly string[]): string {
  return `[${lists.map((list) => list.slice(1, -1)).join(',')}]`;
}

/** What stands in the clear, or in the entry's own place; the rest are sealed, and two of CloudEvents' own that a producer writes freely. */
const UNSEALED_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...ENVELOPE_ATTRIBUTES.filter((name) => name !== 'subject' && name !== 'dataschema'),
  ...OPEN_EXTENSIONS,
]);

function sealedAttributes(event: AcceptedEvent['event']): string | null {
  const sealed = Object.entries(event).filter(([name]) => !UNSEALED_ATTRIBUTES.has(name));
  return sealed.length === 0 ? null : canonicalJson(Object.fromEntries(sealed));
}

function referenceAt(data: object, path: string): string | undefined {
  let value: unknown = data;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[name];
  return typeof value === 'string' ? value : undefined;
}
