import type { NamedIdentifier } from '../identifier.js';
import type { OnCommit } from '../secrets.js';
import { link, separable, separate, type LinkedOrApart, type Officer } from './link.js';
import {
  conflicts,
  identifiersOf,
  lookUp,
  personOf,
  type ConflictPage,
  type ConflictStatus,
  type FoundSubject,
  type KnownIdentifier,
  type KnownPerson,
} from './look-up.js';
import type { PersonNamed, ResolvedPerson } from './person-named.js';
import type { DirectoryPorts } from './ports.js';
import { release, releaseFor, type ReleasedBy, type ReleasedIdentifier, type ReleaseNamed } from './release.js';
import { indexedBefore, reindex } from './reindex.js';
import { PeopleResolver } from './resolve-people.js';

// Positive answers only; sizes keep a busy day's people in about 20 MB.
const CACHED_PEOPLE = 50_000;

/** What an identifier is, whoever has checked it. */
export type IdentifierName = Pick<NamedIdentifier, 'scheme' | 'realm' | 'value'>;

/**
 * The subject directory: who is who, decided in the order of the vault's changes.
 *
 * An identifier leads to a subject for an interval of time; subjects that are one person are linked by edges; what nothing settles is a
 * conflict. Every change is decided under the vault's one write lock from what stands there, so that several processes, each with a
 * memory of its own, decide as one would; the entries that tell of it wait in the vault's outbox from the same transaction.
 */
export class Directory {
  private readonly people: PeopleResolver;

  /** @param cachedPeople how many are kept in memory; the memory is taken at once */
  constructor(
    private readonly ports: DirectoryPorts,
    cachedPeople = CACHED_PEOPLE,
  ) {
    this.people = new PeopleResolver(ports, cachedPeople);
  }

  /** Whose entries the events of a batch become, in order. What was learned is durable when it returns. */
  resolve(people: readonly PersonNamed[]): Promise<ResolvedPerson[]> {
    return this.people.resolve(people);
  }

  /** @throws ReleaseRefused */
  release(named: ReleaseNamed): Promise<ReleasedIdentifier> {
    return release(this.ports, named);
  }

  /**
   * Releases an identifier of a person for an officer, now or at a time; null when it does not lead to that person then.
   *
   * @throws IdentityConflict `already`
   */
  releaseFor(subjectId: string, identifier: IdentifierName, at: number = this.ports.now()): Promise<ReleasedBy | null> {
    return releaseFor(this.ports, subjectId, identifier, at);
  }

  /** Whom an identifier leads to at a time, or now; null when it leads to nobody. */
  lookUp(identifier: IdentifierName, at: number = this.ports.now()): Promise<FoundSubject | null> {
    return lookUp(this.ports, identifier, at);
  }

  /** Who a subject is linked to; null when there is no such subject. */
  person(subjectId: string): Promise<KnownPerson | null> {
    return personOf(this.ports.sql.reader, subjectId);
  }

  /** All identifiers that these subjects have or had, in clear. */
  identifiersOf(subjectIds: readonly string[]): Promise<KnownIdentifier[]> {
    return identifiersOf(this.ports, subjectIds);
  }

  /** @throws IdentityConflict */
  link(subjectIds: readonly string[], officer: Officer & { readonly override: boolean }): Promise<LinkedOrApart> {
    return link(this.ports, subjectIds, officer);
  }

  /** @throws IdentityConflict */
  separate(subjectIds: readonly [string, string], officer: Officer): Promise<LinkedOrApart> {
    return separate(this.ports, subjectIds, officer);
  }

  /** Brings what stands under older keys of the index to the current one, see `reindex`. @returns how many identifiers that were */
  reindex(onCommit?: OnCommit): Promise<number> {
    return reindex(this.ports, onCommit);
  }

  /** How many identifiers stand under older keys of the index. */
  async indexedBefore(): Promise<number> {
    return indexedBefore(this.ports, (await this.ports.look()).index);
  }

  /** Whether two subjects could be kept apart as things stand. @throws IdentityConflict */
  async assertSeparable(subjectIds: readonly [string, string]): Promise<void> {
    await separable(this.ports.sql.reader, subjectIds);
  }

  /** Conflicts, the newest first. */
  conflicts(page: {
    readonly status?: ConflictStatus;
    readonly limit: number;
    readonly before?: number;
  }): Promise<ConflictPage> {
    return conflicts(this.ports, page);
  }
}
