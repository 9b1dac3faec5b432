import type { VaultDb } from '../vault-sql.js';
import type { EntryDraft } from './ports.js';
import type { IdentityCase } from './picture.js';
import { livingAmong } from './read-picture.js';

export const SUBJECTS_LINKED = 'sijill.subjects.linked.v1';
export const SUBJECTS_SEPARATED = 'sijill.subjects.separated.v1';
export const SUBJECTS_CONFLICTING = 'sijill.subjects.conflicting.v1';

/** An entry that has no place in the outbox yet. */
export type Draft = Omit<EntryDraft, 'outbox'>;

/** Who or what brought a change about. */
export interface Cause {
  readonly principal: string;
  readonly reason: string | null;
  /** The entry of the event that it follows from. */
  readonly entryId: string | null;
}

/** What the ledger concluded from an event by itself. */
export function causedBy(entryId: string): Cause {
  return { principal: 'ledger', reason: null, entryId };
}

/**
 * The links of one decision, as entries: one for each subject that has an end of a new edge, and for each whose case is closed. No
 * entry of a subject names another: the two ends of an edge, or of a case, have its id in common.
 */
export class LinkEntries {
  private readonly bySubject = new Map<string, { edges: string[]; closes: string[] }>();

  add(edgeId: string, one: string, other: string, closed: readonly IdentityCase[]): void {
    for (const subjectId of [one, other]) this.of(subjectId).edges.push(edgeId);
    for (const { caseId, a, b } of closed) for (const subjectId of [a, b]) this.of(subjectId).closes.push(caseId);
  }

  drafts(because: 'event' | 'officer', { principal, reason, entryId }: Cause): Draft[] {
    return [...this.bySubject].map(([subjectId, { edges, closes }]) => ({
      type: SUBJECTS_LINKED,
      data: { subjectId, edges, ...(closes.length === 0 ? {} : { closes: closes.sort() }), because, cause: entryId },
      principal,
      reason,
    }));
  }

  private of(subjectId: string): { edges: string[]; closes: string[] } {
    let entry = this.bySubject.get(subjectId);
    if (entry === undefined) this.bySubject.set(subjectId, (entry = { edges: [], closes: [] }));
    return entry;
  }
}

/** That a case is open: one entry for each side. */
export function conflictDrafts({ caseId, a, b, schemes }: IdentityCase, { principal, entryId }: Cause): Draft[] {
  return [a, b].map((subjectId) => ({
    type: SUBJECTS_CONFLICTING,
    data: { subjectId, case: caseId, schemes: [...schemes], cause: entryId },
    principal,
    reason: null,
  }));
}

/** That two are kept apart, which closes their case: one entry for each side. @param edgeId of the link that ends by it */
export function separationDrafts(
  pair: Pick<IdentityCase, 'a' | 'b' | 'caseId'>,
  separationId: string,
  edgeId: string | null,
  { principal, reason }: Cause,
): Draft[] {
  return [pair.a, pair.b].map((subjectId) => ({
    type: SUBJECTS_SEPARATED,
    data: { subjectId, edges: edgeId === null ? [] : [edgeId], closes: [pair.caseId], separation: separationId },
    principal,
    reason,
  }));
}

/**
 * Whether a draft can be sealed: not where its subject's key was destroyed. What is decided about others then closes their cases with that
 * subject, opens some again, and is told by their entries alone.
 *
 * @param made subjects that the same change makes
 */
export async function sealable(
  db: VaultDb,
  drafts: readonly Draft[],
  made: readonly string[],
): Promise<(draft: Draft) => boolean> {
  if (drafts.length === 0) return () => true;
  const living = await livingAmong(
    db,
    drafts.map(({ data }) => data.subjectId),
  );
  const known = new Set([...living, ...made]);
  return ({ data }) => known.has(data.subjectId);
}
