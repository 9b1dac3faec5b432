import type { Speaker } from '@sijill/contracts';
import type { NamedIdentifier } from '../identifier.js';
import { IdentityConflict, ReleaseRefused } from './identity-conflict.js';
import { intervalBefore } from './interval.js';
import type { ResolvedPerson } from './person-named.js';
import type { Binding, Picture } from './picture.js';
import type { VaultChange } from '../vault-sql.js';
import type { DirectoryPorts } from './ports.js';
import { namesOf, readCuts, readPicture, type IndexNames } from './read-picture.js';
import { bringUp } from './reindex.js';
import { writeAdditions } from './write-additions.js';

/** A release as an event tells of it. */
export interface ReleaseNamed {
  readonly identifier: NamedIdentifier;
  /** From when on the identifier leads to nobody, in milliseconds. */
  readonly at: number;
  readonly speaker: Speaker;
}

/** Whose entry the release is, and whether anything ended by it: the same release again ends nothing. */
export interface ReleasedIdentifier extends ResolvedPerson {
  readonly ended: boolean;
}

/** Who had an identifier until when. */
export interface ReleasedBy {
  readonly subjectId: string;
  readonly at: number;
}

/**
 * Releases an identifier for a producer: cuts its time in two at that moment. The entry belongs to whoever had it until then; where
 * nobody had, to a new subject, who has it until then.
 *
 * @throws ReleaseRefused the producer has no say in this identifier
 */
export function release(ports: DirectoryPorts, { identifier, at, speaker }: ReleaseNamed): Promise<ReleasedIdentifier> {
  return ports.change(async (change) => {
    const { index, names } = await namedIn(ports, change, identifier);
    const picture = await readPicture(change.trx, { names });
    const owner = ownerUntil(picture, index, at);
    refuseStranger(identifier, owner, speaker);
    let sequence = change.before.sequence;
    const cut = await cutAt(change, index, at, owner);
    if (cut) sequence = change.take();
    if (owner !== undefined) return { subjectId: owner.subjectId, sequence, cases: [], ended: cut };

    const cuts = (await readCuts(change.trx, names)).map((each) => each.at);
    const subjectId = ports.newId();
    picture.addSubject(subjectId);
    const { since, until } = intervalBefore(cuts, at);
    picture.added.bindings.push({ ...identifier, index, since, until, subjectId, producer: speaker.producer });
    await writeAdditions(ports, change, picture.added, []);
    return { subjectId, sequence: cut ? sequence : change.take(), cases: [], ended: false };
  });
}

/**
 * Releases an identifier of a person, for an officer. From that moment on it leads to nobody.
 *
 * @param subjectId the person that it leads to then, or a subject that is linked to it
 * @returns the subject that had it until then; null when it does not lead to that person at that moment
 * @throws IdentityConflict `already`: it was released at that very moment before, and led to somebody anew
 */
export function releaseFor(
  ports: DirectoryPorts,
  subjectId: string,
  identifier: Pick<NamedIdentifier, 'scheme' | 'realm' | 'value'>,
  at: number,
): Promise<ReleasedBy | null> {
  return ports.change(async (change) => {
    const { index, names } = await namedIn(ports, change, identifier);
    const picture = await readPicture(change.trx, { names, subjectIds: [subjectId] });
    const owner = picture.bindingAt(index, at);
    if (owner === undefined || !picture.has(subjectId) || !picture.areOne(owner.subjectId, subjectId)) return null;
    if (!(await cutAt(change, index, at, owner))) throw new IdentityConflict('already');
    change.take();
    return { subjectId: owner.subjectId, at };
  });
}

/** The name that an identifier has in a change, with all that stands about it under that name. */
async function namedIn(
  ports: DirectoryPorts,
  change: VaultChange,
  { scheme, realm, value }: Pick<NamedIdentifier, 'scheme' | 'realm' | 'value'>,
): Promise<{ readonly index: string; readonly names: IndexNames }> {
  const named = ports.blindIndex(change.before.index, scheme, realm, value);
  await bringUp(ports, change, [{ ...named, value }]);
  return { index: named.index, names: namesOf([named]) };
}

/** Whoever has the identifier in the interval that ends at that moment, or will end there by this release. */
function ownerUntil(picture: Picture, index: string, at: number): Binding | undefined {
  return picture.bindingsOf(index).find(({ since, until }) => since < at && at <= until);
}

function refuseStranger(
  { scheme, realm }: NamedIdentifier,
  owner: Binding | undefined,
  { producer, realm: own, mayLink }: Speaker,
): void {
  if (!mayLink) throw new ReleaseRefused(`the producer ${producer} may not link identifiers, and so releases none`);
  // A national id has a country for its realm, which is no producer's own.
  if (owner?.producer === producer || (scheme !== 'national_id' && realm === own)) return;
  throw new ReleaseRefused(
    `the producer ${producer} releases an identifier of its own realm, or one that it has bound; this ${scheme} is neither`,
  );
}

/** Cuts the time of an identifier, whether somebody has it or not. @returns false when it was cut there before */
async function cutAt(change: VaultChange, index: string, at: number, owner: Binding | undefined): Promise<boolean> {
  const { trx } = change;
  const cuts = await readCuts(trx, new Map([[index, index]]));
  if (cuts.some((cut) => cut.at === at)) return false;
  await trx.insertInto('vault_cut').values({ blind_index: index, at }).execute();
  if (owner !== undefined) {
    await trx
      .updateTable('vault_binding')
      .set({ until: at })
      .where('blind_index', '=', index)
      .where('since', '=', owner.since)
      .execute();
    change.raiseEpoch();
  }
  return true;
}
