import type { Additions } from './picture.js';
import type { VaultChange } from '../vault-sql.js';
import type { DirectoryPorts, EntryDraft } from './ports.js';

// SQLite and PostgreSQL both take this many parameters in one statement with room to spare.
const PARAMETERS = 2_000;

/** What binds a sealed identifier to its place. */
export function sealedContext(index: string): string {
  return `identifier/${index}`;
}

/** Writes what a change has added to the directory, and the entries that tell of it. @returns the ids of the entries, in order */
export async function writeAdditions(
  ports: DirectoryPorts,
  { trx }: VaultChange,
  added: Additions,
  drafts: readonly EntryDraft[],
): Promise<readonly string[]> {
  const { subjects, bindings, edges, merges, cases, lifted, uses } = added;
  if (subjects.length > 0) await ports.makeRoots(trx, subjects);
  for (const chunk of chunksOf(subjects, 2)) {
    const rows = chunk.map((subjectId) => ({ subject_id: subjectId, person_id: subjectId }));
    await trx.insertInto('vault_subject').values(rows).execute();
  }
  for (const { from, into } of merges)
    await trx.updateTable('vault_subject').set({ person_id: into }).where('person_id', '=', from).execute();
  const sealed = await ports.sealFor(
    trx,
    bindings.map(({ subjectId, index, value }) => ({ subjectId, context: sealedContext(index), text: value })),
  );
  const bound = bindings.map((binding, i) => ({
    blind_index: binding.index,
    since: binding.since,
    until: binding.until,
    subject_id: binding.subjectId,
    scheme: binding.scheme,
    realm: binding.realm ?? '',
    producer: binding.producer,
    sealed: sealed[i]!,
  }));
  for (const chunk of chunksOf(bound, 8)) await trx.insertInto('vault_binding').values(chunk).execute();
  for (const chunk of chunksOf(edges, 3)) {
    const rows = chunk.map(({ edgeId, a, b }) => ({ edge_id: edgeId, subject_a: a, subject_b: b }));
    await trx.insertInto('vault_edge').values(rows).execute();
  }
  const now = ports.now();
  const numbers = numbersOf(drafts);
  const opened = cases.map((made) => ({
    case_id: made.caseId,
    subject_a: made.a,
    subject_b: made.b,
    number: numbers.get(made.caseId)!,
    schemes: made.schemes.join(','),
    producer: made.producer,
    entry_id: made.entryId,
    recorded_at: now,
    separation_id: made.separationId,
  }));
  for (const chunk of chunksOf(opened, 9)) await trx.insertInto('vault_case').values(chunk).execute();
  for (const caseId of lifted)
    await trx.updateTable('vault_case').set({ separation_id: null }).where('case_id', '=', caseId).execute();
  for (const chunk of chunksOf(uses, 2)) {
    const rows = chunk.map(({ index, subjectId }) => ({ blind_index: index, subject_id: subjectId }));
    await trx.insertInto('vault_use').values(rows).execute();
  }
  return writeEntries(ports, trx, drafts);
}

async function writeEntries(
  ports: DirectoryPorts,
  trx: VaultChange['trx'],
  drafts: readonly EntryDraft[],
): Promise<readonly string[]> {
  const ids: string[] = [];
  const rows: { readonly number: number; readonly entry: string }[] = [];
  for (const draft of drafts) {
    const { id, text } = await ports.makeEntry(trx, draft);
    ids.push(id);
    rows.push({ number: draft.outbox, entry: text });
  }
  for (const chunk of chunksOf(rows, 2)) await trx.insertInto('vault_outbox').values(chunk).execute();
  return ids;
}

/** A case has the number of the first entry that tells of it, so that cases are listed in the order in which they were made. */
function numbersOf(drafts: readonly EntryDraft[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const { data, outbox } of drafts) {
    const { case: named, closes } = data as { readonly case?: string; readonly closes?: readonly string[] };
    for (const caseId of [named ?? [], closes ?? []].flat()) if (!numbers.has(caseId)) numbers.set(caseId, outbox);
  }
  return numbers;
}

function* chunksOf<T>(items: readonly T[], columns: number): Generator<T[]> {
  const size = Math.floor(PARAMETERS / columns);
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}
