import { decide, type PersonIndexed } from './decide.js';
import { sealable, type Draft } from './drafts.js';
import { KnownPeople, ownerIn, type Owned } from './known-people.js';
import {
  considered,
  isIdentifying,
  type IndexedIdentifier,
  type PersonNamed,
  type ResolvedPerson,
} from './person-named.js';
import type { Additions, Picture } from './picture.js';
import type { DirectoryPorts, EntryDraft } from './ports.js';
import { namesOf, readBindings, readPersons, readPicture } from './read-picture.js';
import { bringUp } from './reindex.js';
import { writeAdditions } from './write-additions.js';

/** People of a batch whose entry is decided, by their place in it. */
type Resolved = Map<number, ResolvedPerson>;

/** People under the names that their identifiers have now: another process may have brought the vault to another key of the index. */
class Batch {
  private named: { readonly keys: string; readonly people: readonly PersonIndexed[] } | null = null;

  constructor(
    private readonly ports: Pick<DirectoryPorts, 'blindIndex'>,
    private readonly people: readonly PersonNamed[],
  ) {}

  /** @param keys of the vault's state, the `index` */
  under(keys: string): readonly PersonIndexed[] {
    if (this.named?.keys !== keys) this.named = { keys, people: this.people.map((each) => this.indexed(each, keys)) };
    return this.named.people;
  }

  /** Those at some places, as a batch of their own. */
  part(places: readonly number[]): Batch {
    const part = new Batch(
      this.ports,
      places.map((place) => this.people[place]!),
    );
    if (this.named !== null) {
      const { keys, people } = this.named;
      part.named = { keys, people: places.map((place) => people[place]!) };
    }
    return part;
  }

  private indexed({ identifiers, at, speaker, entryId }: PersonNamed, keys: string): PersonIndexed {
    const byIndex = new Map<string, IndexedIdentifier>();
    for (const identifier of considered(identifiers)) {
      const names = this.ports.blindIndex(keys, identifier.scheme, identifier.realm, identifier.value);
      if (!byIndex.has(names.index)) byIndex.set(names.index, { ...identifier, ...names });
    }
    return { identifiers: [...byIndex.values()], at, speaker, entryId };
  }
}

/**
 * Decides whose entries the events of a batch become.
 *
 * Where every identifier has an owner at that time and all of a person are one, nothing is to be learned: that is answered from memory,
 * or by two queries for the whole batch. Where nothing is new either, though a conflict is met, it is read and answered. All else is
 * decided under the vault's lock, anew from what stands there: what another process has written meanwhile counts.
 */
export class PeopleResolver {
  private readonly known: KnownPeople;

  constructor(
    private readonly ports: DirectoryPorts,
    cachedPeople: number,
  ) {
    this.known = new KnownPeople(cachedPeople);
  }

  /** In order; a later person of the batch sees what an earlier one brought. Durable when it returns. */
  async resolve(people: readonly PersonNamed[]): Promise<ResolvedPerson[]> {
    if (people.length === 0) return [];
    const batch = new Batch(this.ports, people);
    const resolved = await this.settled(batch);
    const open = [...people.keys()].filter((place) => !resolved.has(place));
    if (open.length > 0) {
      const rest = batch.part(open);
      const decided = (await this.withoutWriting(rest)) ?? (await this.change(rest));
      open.forEach((place, i) => resolved.set(place, decided[i]!));
    }
    return people.map((_, place) => resolved.get(place)!);
  }

  /**
   * Those about whom nothing is to be learned. What is remembered is taken at one moment, without a pause behind the look; what is read
   * is bracketed by a second look.
   */
  private async settled(batch: Batch): Promise<Resolved> {
    for (;;) {
      const look = await this.ports.look();
      const people = batch.under(look.index);
      // Another call has looked later and remembers what came since: what it knows must not go under this look's number.
      if (!this.known.isOf(look.epoch)) continue;

      const leads = people.map(({ identifiers, at }) => identifiers.map(({ index }) => this.known.ownerAt(index, at)));
      const owners = new Map<string, Owned[]>();
      const unknown = people.flatMap(({ identifiers }, i) => identifiers.filter((_, k) => leads[i]![k] === undefined));
      if (unknown.length > 0) {
        for (const binding of await readBindings(this.ports.sql.reader, namesOf(unknown)))
          owners.set(binding.index, [...(owners.get(binding.index) ?? []), binding]);
        people.forEach(({ identifiers, at }, i) =>
          identifiers.forEach(({ index }, k) => (leads[i]![k] ??= ownerIn(owners.get(index), at))),
        );
      }

      const persons = new Map<string, string>();
      const strangers = new Set<string>();
      for (const subjectIds of leads) {
        if (!isKnown(subjectIds) || new Set(subjectIds).size === 1) continue;
        for (const subjectId of subjectIds) {
          const personId = this.known.personOf(subjectId);
          if (personId === undefined) strangers.add(subjectId);
          else persons.set(subjectId, personId);
        }
      }
      if (strangers.size > 0)
        for (const { subjectId, personId } of await readPersons(this.ports.sql.reader, [...strangers]))
          persons.set(subjectId, personId);

      let { sequence } = look;
      if (unknown.length > 0 || strangers.size > 0) {
        const after = await this.ports.look();
        if (after.epoch !== look.epoch || after.index !== look.index) continue;
        sequence = after.sequence;
        this.known.remember(look.epoch, owners, persons);
      }
      const resolved: Resolved = new Map();
      people.forEach(({ identifiers }, place) => {
        const subjectIds = leads[place]!;
        if (!isKnown(subjectIds) || !areOnePerson(subjectIds, persons)) return;
        const deciding = identifiers.findIndex(({ scheme }) => isIdentifying(scheme));
        resolved.set(place, { subjectId: subjectIds[Math.max(deciding, 0)]!, sequence, cases: [] });
      });
      return resolved;
    }
  }

  /** Decides without the lock where that writes nothing; null where it would, or where the vault was changed meanwhile. */
  private async withoutWriting(batch: Batch): Promise<ResolvedPerson[] | null> {
    const before = await this.ports.look();
    const people = batch.under(before.index);
    const picture = await readPicture(this.ports.sql.reader, { names: namesOf(identifiersOf(people)) });
    if (people.some((person) => isToBeBound(picture, person))) return null;
    const decisions = people.map((person) => decide(picture, person, () => ''));
    if (
      changes(
        picture.added,
        decisions.flatMap(({ drafts }) => drafts),
      ) ||
      picture.added.uses.length > 0
    )
      return null;
    const { sequence, index } = await this.ports.look();
    if (sequence !== before.sequence || index !== before.index) return null;
    return decisions.map(({ subjectId, cases }) => ({ subjectId, sequence, cases }));
  }

  private async change(batch: Batch): Promise<ResolvedPerson[]> {
    const { people, resolved, picture, epoch } = await this.ports.change(async (change) => {
      const people = batch.under(change.before.index);
      const identifiers = identifiersOf(people);
      await bringUp(this.ports, change, identifiers);
      const picture = await readPicture(change.trx, { names: namesOf(identifiers) });
      const decisions = people.map((person) => {
        const before = weight(picture.added);
        const decision = decide(picture, person, () => this.ports.newId());
        return { ...decision, adds: weight(picture.added) > before };
      });
      const all = decisions.flatMap(({ drafts }) => drafts);
      const canBeTold = await sealable(change.trx, all, picture.added.subjects);
      const outbox: EntryDraft[] = [];
      let sequence = change.before.sequence;
      const resolved = decisions.map(({ subjectId, cases, drafts, adds }): ResolvedPerson => {
        const told = drafts.filter(canBeTold);
        for (const draft of told) outbox.push({ ...draft, outbox: (sequence = change.take()) });
        if (told.length === 0 && adds) sequence = change.take();
        return { subjectId, sequence, cases };
      });
      await writeAdditions(this.ports, change, picture.added, outbox);
      return { people, resolved, picture, epoch: change.before.epoch };
    });
    this.remember(people, picture, epoch);
    return resolved;
  }

  private remember(people: readonly PersonIndexed[], picture: Picture, epoch: number): void {
    const owners = identifiersOf(people).map(({ index }) => [index, picture.bindingsOf(index)] as const);
    const subjectIds = new Set(owners.flatMap(([, owned]) => owned.map(({ subjectId }) => subjectId)));
    const persons = [...subjectIds].map((subjectId) => [subjectId, picture.personOf(subjectId)] as const);
    this.known.remember(epoch, owners, persons);
  }
}

function isKnown(subjectIds: readonly (string | undefined)[]): subjectIds is readonly string[] {
  return !subjectIds.includes(undefined);
}

function areOnePerson(subjectIds: readonly string[], persons: ReadonlyMap<string, string>): boolean {
  const [first] = subjectIds;
  if (subjectIds.every((subjectId) => subjectId === first)) return true;
  const personId = persons.get(first!);
  return personId !== undefined && subjectIds.every((subjectId) => persons.get(subjectId) === personId);
}

/** Whether this person surely brings something new. */
function isToBeBound(picture: Picture, { identifiers, at, speaker }: PersonIndexed): boolean {
  const isUnknown = ({ index }: IndexedIdentifier): boolean => picture.bindingAt(index, at) === undefined;
  return speaker.mayLink ? identifiers.some(isUnknown) : identifiers.every(isUnknown);
}

/** Whether something is to be written that others' decisions depend on. */
function changes(added: Additions, drafts: readonly Draft[]): boolean {
  return drafts.length > 0 || weight(added) > 0;
}

/** How much there is to write that others' decisions depend on: who was named with somebody's identifier is not. */
function weight({ subjects, bindings, edges, cases }: Additions): number {
  return subjects.length + bindings.length + edges.length + cases.length;
}

/** Each once. */
function identifiersOf(people: readonly PersonIndexed[]): IndexedIdentifier[] {
  return [...new Map(people.flatMap(({ identifiers }) => identifiers.map((each) => [each.index, each]))).values()];
}
