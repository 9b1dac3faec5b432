import type { Speaker } from '@sijill/contracts';
import { causedBy, conflictDrafts, LinkEntries, type Draft } from './drafts.js';
import { ordered, type Picture } from './picture.js';
import { isIdentifying, type IndexedIdentifier } from './person-named.js';

/** A person as it is looked at: what counts for nothing is left out, nothing is there twice. */
export interface PersonIndexed {
  readonly identifiers: readonly IndexedIdentifier[];
  readonly at: number;
  readonly speaker: Speaker;
  readonly entryId: string;
}

export interface Decision {
  readonly subjectId: string;
  readonly cases: readonly string[];
  /** Entries that stand in the outbox from now on, in this order. */
  readonly drafts: readonly Draft[];
}

/**
 * Decides whose entry an event becomes, and what the ledger learns from it about who is who; all of it for the moment at which the
 * event happened. What is learned is added to the picture.
 */
export function decide(picture: Picture, person: PersonIndexed, newId: () => string): Decision {
  const { at, speaker } = person;
  const subjectId = knownSubject(picture, person) ?? newSubject(picture, person, newId);
  if (speaker.mayLink) bindUnknown(picture, person, subjectId, newId);

  const links = new LinkEntries();
  const cases = new Set<string>();
  const conflicts: Draft[] = [];
  const identifies = person.identifiers.some(({ scheme }) => isIdentifying(scheme));
  for (const { index } of person.identifiers) {
    const other = picture.bindingAt(index, at)?.subjectId;
    if (other === undefined || other === subjectId || picture.areOne(subjectId, other)) continue;
    picture.addUse(index, subjectId);
    const mayBeLinked =
      identifies &&
      speaker.mayLink &&
      picture.couldBeOne(subjectId, other, at) &&
      !picture.areKeptApart(subjectId, other);
    if (mayBeLinked) {
      const edgeId = newId();
      links.add(edgeId, subjectId, other, picture.link(edgeId, subjectId, other));
      continue;
    }
    const there = picture.caseOf(subjectId, other);
    cases.add(there?.caseId ?? openCase(picture, person, subjectId, other, newId(), conflicts));
  }
  return { subjectId, cases: [...cases], drafts: [...links.drafts('event', causedBy(person.entryId)), ...conflicts] };
}

/**
 * The subject that the identifiers lead to. An identifying one decides before any contact: a family shares a phone. Beside one that is
 * new, a contact leads to its subject only if that is not known by another value.
 */
function knownSubject(picture: Picture, { identifiers, at }: PersonIndexed): string | undefined {
  const ownerOf = ({ index }: IndexedIdentifier): string | undefined => picture.bindingAt(index, at)?.subjectId;
  const identifying = identifiers.filter(({ scheme }) => isIdentifying(scheme));
  for (const identifier of identifying) {
    const owner = ownerOf(identifier);
    if (owner !== undefined) return owner;
  }
  for (const identifier of identifiers) {
    const owner = ownerOf(identifier);
    if (owner !== undefined && !identifying.some((value) => picture.hasOtherValue(owner, value, at))) return owner;
  }
  return undefined;
}

/** Makes a subject by the first identifying identifier, else by the first of all; it is bound whoever says so. */
function newSubject(picture: Picture, { identifiers, at, speaker }: PersonIndexed, newId: () => string): string {
  const by = identifiers.find(({ scheme }) => isIdentifying(scheme)) ?? identifiers[0]!;
  const subjectId = newId();
  picture.addSubject(subjectId);
  picture.bind({ ...by, subjectId, producer: speaker.producer }, at);
  return subjectId;
}

/** Binds what leads to nobody yet; a value that contradicts what is known of the subject gets a subject of its own. */
function bindUnknown(
  picture: Picture,
  { identifiers, at, speaker: { producer } }: PersonIndexed,
  subjectId: string,
  newId: () => string,
): void {
  for (const identifier of identifiers) {
    if (picture.bindingAt(identifier.index, at) !== undefined) continue;
    if (isIdentifying(identifier.scheme) && picture.hasOtherValue(subjectId, identifier, at)) {
      const apart = newId();
      picture.addSubject(apart);
      picture.bind({ ...identifier, subjectId: apart, producer }, at);
    } else picture.bind({ ...identifier, subjectId, producer }, at);
  }
}

function openCase(
  picture: Picture,
  { identifiers, at, speaker, entryId }: PersonIndexed,
  subjectId: string,
  other: string,
  caseId: string,
  conflicts: Draft[],
): string {
  const leading = identifiers.filter(({ index }) => {
    const owner = picture.bindingAt(index, at)?.subjectId;
    return owner === subjectId || owner === other;
  });
  const made = {
    caseId,
    ...ordered(subjectId, other),
    schemes: [...new Set(leading.map(({ scheme }) => scheme))].sort(),
    separationId: null,
    producer: speaker.producer,
    entryId,
  };
  picture.addCase(made);
  conflicts.push(...conflictDrafts(made, causedBy(entryId)));
  return caseId;
}
