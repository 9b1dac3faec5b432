import type { LeafEntry } from '../leaf-entry.js';
import { FormatInvalid } from '../primitives/bytes.js';
import { ProofInvalid } from '../tree/proofs.js';

/** The types of the entries that say who is one person, and who is not settled to be. */
export const LINKED = 'sijill.subjects.linked.v1';
export const SEPARATED = 'sijill.subjects.separated.v1';
export const CONFLICTING = 'sijill.subjects.conflicting.v1';

/** What is looked at of a subject's entry: of one that is withheld, only where it stands. */
export interface ChainEntry {
  readonly index: bigint;
  readonly entry: LeafEntry | 'withheld';
}

/** The entries of one subject, in the order of the log. */
export interface SubjectChain {
  readonly subject: string;
  readonly entries: readonly ChainEntry[];
}

/**
 * Checks that these subjects are one person, all of it and nobody else: a link is an edge, whose id stands in the chains of both its
 * ends from when it was made until it is taken away. Each that stands at the end of a chain stands at the end of exactly one other, and
 * the first subject reaches all others by them. What an entry that is withheld says of links cannot be seen.
 *
 * @throws ProofInvalid  one who is linked is missing, or one does not belong here
 * @throws FormatInvalid an entry does not say which edges it is about
 */
export function assertOnePerson(chains: readonly SubjectChain[]): void {
  const ends = new Map<string, SubjectChain[]>();
  for (const chain of chains)
    for (const edge of openEdges(chain)) {
      const of = ends.get(edge);
      if (of === undefined) ends.set(edge, [chain]);
      else of.push(chain);
    }
  const beside = new Map<SubjectChain, SubjectChain[]>(chains.map((chain) => [chain, []]));
  for (const [one, other, third] of ends.values()) {
    if (other === undefined) throw new ProofInvalid(`a subject is missing that is linked to ${one!.subject}`);
    if (third !== undefined) throw new ProofInvalid(`a link of ${one!.subject} leads to two subjects`);
    beside.get(one!)!.push(other);
    beside.get(other)!.push(one!);
  }
  const reached = new Set<SubjectChain>(chains.slice(0, 1));
  for (const chain of reached) for (const next of beside.get(chain)!) reached.add(next);
  const stray = chains.find((chain) => !reached.has(chain));
  if (stray !== undefined) throw new ProofInvalid(`the subject ${stray.subject} is not linked to the first`);
}

/** The edges that stand at the end of a chain. */
function openEdges({ entries }: SubjectChain): Set<string> {
  const open = new Set<string>();
  for (const { entry } of entries) {
    if (entry === 'withheld') continue;
    if (entry.type === LINKED) for (const edge of idsIn(entry, 'edges')) open.add(edge);
    if (entry.type === SEPARATED) for (const edge of idsIn(entry, 'edges')) open.delete(edge);
  }
  return open;
}

/**
 * The identity conflicts that nothing has settled: whether somebody else in the ledger is this person too. One is opened by an entry
 * that names it, and closed by a later link or separation that does; one conflict may stand in the chains of several linked subjects.
 *
 * @param entries of all subjects of one person, in the order of the log
 * @returns for each the index of the entry that opened it
 * @throws FormatInvalid an entry does not say which conflict it is about
 */
export function openConflicts(entries: readonly ChainEntry[]): bigint[] {
  const open = new Map<string, bigint>();
  for (const { index, entry } of entries) {
    if (entry === 'withheld') continue;
    if (entry.type === CONFLICTING) {
      const name = entry.data['case'];
      if (typeof name !== 'string') throw new FormatInvalid(`leaf ${index} does not say which conflict it is about`);
      if (!open.has(name)) open.set(name, index);
    }
    if (entry.type === LINKED || entry.type === SEPARATED) for (const name of idsIn(entry, 'closes')) open.delete(name);
  }
  return [...open.values()];
}

function idsIn({ id, data }: LeafEntry, member: 'edges' | 'closes'): readonly string[] {
  const ids = data[member] ?? [];
  if (!Array.isArray(ids) || !ids.every((each) => typeof each === 'string'))
    throw new FormatInvalid(`the ${member} of the entry ${id} are no list of ids`);
  return ids;
}
