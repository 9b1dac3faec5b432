/** An entry of the vault's outbox, as a reader of the store sees it who has no vault. */
export interface ChainEntry {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>> & { readonly subjectId: string };
}

/**
 * Who is who, from the entries alone: for each subject that has any the subjects that it hangs together with, itself included, and the
 * conflicts that are open between them and somebody else.
 */
export function readChains(entries: readonly ChainEntry[]): {
  person(subjectId: string): string[];
  openCases(subjectId: string): string[];
} {
  const edges = new Map(
    [...new Set(entries.map(({ data }) => data.subjectId))].map((id) => [id, openEdges(entries, id)]),
  );
  const person = (subjectId: string): string[] => {
    const found = new Set([subjectId]);
    for (const each of found) {
      const open = edges.get(each) ?? [];
      for (const [other, others] of edges) if (others.some((edge) => open.includes(edge))) found.add(other);
    }
    return [...found].sort();
  };
  return {
    person,
    openCases: (subjectId) => {
      const subjects = person(subjectId);
      const open = new Set<string>();
      for (const { type, data } of entries) {
        if (!subjects.includes(data.subjectId)) continue;
        if (type === 'sijill.subjects.conflicting.v1') open.add(data['case'] as string);
        for (const closed of (data['closes'] as string[] | undefined) ?? []) open.delete(closed);
      }
      return [...open];
    },
  };
}

function openEdges(entries: readonly ChainEntry[], subjectId: string): string[] {
  const open = new Set<string>();
  for (const { type, data } of entries) {
    if (data.subjectId !== subjectId) continue;
    for (const edge of (data['edges'] as string[] | undefined) ?? [])
      if (type === 'sijill.subjects.linked.v1') open.add(edge);
      else open.delete(edge);
  }
  return [...open];
}
