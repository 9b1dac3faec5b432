import { isAmong } from '@sijill/platform';
import { conflictDrafts, LinkEntries, sealable, separationDrafts, type Cause, type Draft } from './drafts.js';
import { IdentityConflict } from './identity-conflict.js';
import { ordered, type Edge, type IdentityCase, type Picture } from './picture.js';
import type { VaultChange, VaultDb } from '../vault-sql.js';
import type { DirectoryPorts } from './ports.js';
import { livingAmong, readPicture } from './read-picture.js';
import { writeAdditions } from './write-additions.js';

/** Who decides it and why. */
export interface Officer {
  readonly principal: string;
  readonly reason: string;
}

export interface LinkedOrApart {
  /** Of the subjects' entries, in the order of `subjectIds`, as far as the decision changed something for them. */
  readonly entryIds: readonly string[];
  readonly subjectIds: readonly string[];
}

/**
 * Makes subjects one person: the first is tied to each other. All of it or nothing.
 *
 * @param subjectIds at least two, none twice
 * @throws IdentityConflict
 */
export function link(
  ports: DirectoryPorts,
  subjectIds: readonly string[],
  { override, ...officer }: Officer & { readonly override: boolean },
): Promise<LinkedOrApart> {
  return ports.change(async (change) => {
    const picture = await pictureOf(change.trx, subjectIds);
    const edges = await edgesOf(change.trx, picture, subjectIds[0]!);
    const [first, ...others] = subjectIds as readonly [string, ...string[]];
    const missing = others.filter((other) => edgeBetween(edges, first, other) === undefined);
    if (missing.length === 0) throw new IdentityConflict('already');
    const links = new LinkEntries();
    for (const other of missing) {
      if (!picture.areOne(first, other)) {
        if (!picture.couldBeOne(first, other, ports.now())) throw new IdentityConflict('contradicting_identifiers');
        if (!override && picture.areKeptApart(first, other)) throw new IdentityConflict('kept_apart');
      }
      const edgeId = ports.newId();
      links.add(edgeId, first, other, picture.link(edgeId, first, other));
    }
    const drafts = links.drafts('officer', { ...officer, entryId: null });
    return { entryIds: await entriesOf(ports, change, picture, subjectIds, drafts), subjectIds };
  });
}

/**
 * Keeps two subjects apart, linked or not, and takes the edge between them away. It holds until an officer links them with `override`.
 * Cases between others that hung together by that edge alone are open again.
 *
 * @throws IdentityConflict
 */
export function separate(
  ports: DirectoryPorts,
  subjectIds: readonly [string, string],
  officer: Officer,
): Promise<LinkedOrApart> {
  return ports.change((change) => separateIn(ports, change, subjectIds, officer, ports.newId()));
}

/** The same as part of another change; what is refused has changed nothing. @throws IdentityConflict */
export async function separateIn(
  ports: DirectoryPorts,
  change: VaultChange,
  subjectIds: readonly [string, string],
  officer: Officer,
  separationId: string,
): Promise<LinkedOrApart> {
  const [one, other] = subjectIds;
  const { picture, there, edge, left } = await separable(change.trx, subjectIds);
  const cause: Cause = { ...officer, entryId: null };
  const pair = { ...ordered(one, other), caseId: there?.caseId ?? ports.newId() };
  const drafts = separationDrafts(pair, separationId, edge?.edgeId ?? null, cause);
  if (edge !== undefined) {
    drafts.push(...(await split(ports, change.trx, picture, one, left, pair.caseId, edge, cause)));
    change.raiseEpoch();
  }
  if (there === undefined) picture.addCase({ ...pair, schemes: [], separationId, producer: null, entryId: null });
  else
    await change.trx
      .updateTable('vault_case')
      .set({ separation_id: separationId })
      .where('case_id', '=', pair.caseId)
      .execute();
  return { entryIds: await entriesOf(ports, change, picture, subjectIds, drafts), subjectIds };
}

/**
 * Whether two subjects can be kept apart as things stand, and what lies between them.
 *
 * @throws IdentityConflict
 */
export async function separable(
  db: VaultDb,
  subjectIds: readonly [string, string],
): Promise<{
  readonly picture: Picture;
  readonly there: IdentityCase | undefined;
  readonly edge: Edge | undefined;
  readonly left: readonly Edge[];
}> {
  const [one, other] = subjectIds;
  const picture = await pictureOf(db, subjectIds);
  const there = picture.caseOf(one, other);
  if (there !== undefined && there.separationId !== null) throw new IdentityConflict('already');
  const edges = await edgesOf(db, picture, one);
  const edge = edgeBetween(edges, one, other);
  const left = edges.filter((each) => each !== edge);
  const way = shortestWay(left, one, other);
  if (way !== null) throw new IdentityConflict('linked_through', way);
  return { picture, there, edge, left };
}

async function pictureOf(db: VaultDb, subjectIds: readonly string[]): Promise<Picture> {
  const picture = await readPicture(db, { subjectIds });
  if (!subjectIds.every((subjectId) => picture.has(subjectId))) throw new IdentityConflict('unknown_subject');
  const living = await livingAmong(db, subjectIds);
  // Their entries could not be sealed.
  if (!subjectIds.every((subjectId) => living.has(subjectId))) throw new IdentityConflict('erased_subject');
  return picture;
}

/** Takes an edge away by which alone two sides hung together. @returns the entries of the cases that are open again */
async function split(
  ports: DirectoryPorts,
  db: VaultDb,
  picture: Picture,
  one: string,
  left: readonly Edge[],
  settled: string,
  edge: Edge,
  cause: Cause,
): Promise<Draft[]> {
  await db.deleteFrom('vault_edge').where('edge_id', '=', edge.edgeId).execute();
  const side = new Set(reachable(left, one));
  const personId = ports.newId();
  await db
    .updateTable('vault_subject')
    .set({ person_id: personId })
    .where(isAmong(db, 'subject_id', [...side]))
    .execute();
  return picture
    .casesWithin(one)
    .filter(({ a, b, caseId }) => side.has(a) !== side.has(b) && caseId !== settled)
    .flatMap((each) => conflictDrafts(each, cause));
}

/** All edges of the person that a subject is. */
async function edgesOf(db: VaultDb, picture: Picture, subjectId: string): Promise<Edge[]> {
  const members = picture.linkedTo(subjectId);
  return db
    .selectFrom('vault_edge')
    .select(['edge_id as edgeId', 'subject_a as a', 'subject_b as b'])
    .where(isAmong(db, 'subject_a', members))
    .orderBy('edge_id')
    .execute();
}

function edgeBetween(edges: readonly Edge[], one: string, other: string): Edge | undefined {
  const { a, b } = ordered(one, other);
  return edges.find((edge) => edge.a === a && edge.b === b);
}

/** The subjects between two, on the shortest way along the edges; null where there is none. */
function shortestWay(edges: readonly Edge[], from: string, to: string): string[] | null {
  const before = waysFrom(edges, from);
  if (!before.has(to)) return null;
  const way: string[] = [];
  for (let at = before.get(to)!; at !== from; at = before.get(at)!) way.unshift(at);
  return way;
}

function reachable(edges: readonly Edge[], from: string): string[] {
  return [...waysFrom(edges, from).keys()];
}

/** For each subject that can be reached the one before it, the nearest first; for the first itself. */
function waysFrom(edges: readonly Edge[], from: string): Map<string, string> {
  const beside = new Map<string, string[]>();
  for (const { a, b } of edges) {
    beside.set(a, [...(beside.get(a) ?? []), b]);
    beside.set(b, [...(beside.get(b) ?? []), a]);
  }
  const before = new Map([[from, from]]);
  for (const at of before.keys())
    for (const next of (beside.get(at) ?? []).toSorted()) if (!before.has(next)) before.set(next, at);
  return before;
}

/** Writes it all, each entry under a number of its own. @returns the ids of the entries of these subjects, in their order */
async function entriesOf(
  ports: DirectoryPorts,
  change: VaultChange,
  picture: Picture,
  subjectIds: readonly string[],
  drafts: readonly Draft[],
): Promise<string[]> {
  const told = drafts.filter(await sealable(change.trx, drafts, picture.added.subjects));
  const ids = await writeAdditions(
    ports,
    change,
    picture.added,
    told.map((draft) => ({ ...draft, outbox: change.take() })),
  );
  return subjectIds.flatMap((subjectId) => {
    const place = told.findIndex(({ data }) => data.subjectId === subjectId);
    return place === -1 ? [] : [ids[place]!];
  });
}
