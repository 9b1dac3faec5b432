import { FormatInvalid, jsonOf } from '../primitives/bytes.js';
import { ProofInvalid } from '../tree/proofs.js';
import type { LeafEntry } from '../leaf-entry.js';
import type { Accounting } from './verify-accounting-proof.js';

const DISCLOSED = 'sijill.data.disclosed.v1';

/** Members of a disclosure in a report, and where its leaf has them. What a leaf does not have, a report says as null. */
const IN_DATA = ['occurredAt', 'dataCategories', 'purpose', 'legalBasis', 'ground', 'method', 'occasion'] as const;
const IN_DATA_TOO = ['minimumNecessary', 'transferBasis', 'policyVersion', 'system'] as const;
const IN_METADATA = ['recordedAt', 'producer', 'source', 'eventId'] as const;
const OF_RECIPIENT = ['id', 'name', 'class', 'capacity', 'country'] as const;
const OF_REQUEST = ['reference', 'sha256'] as const;

type Members = Readonly<Record<string, unknown>>;
type AccountedLeaf = { readonly index: bigint; readonly entry: LeafEntry };

export interface ReportVerified {
  /** Disclosures of the report, each of which is a leaf. */
  readonly disclosures: number;
  /** Disclosures among the leaves that came after what the report says it is as of. */
  readonly newer: number;
  /** Disclosures among the leaves that count as nothing: their event was recorded before, or is no producer's. */
  readonly uncounted: number;
  /** Leaves up to what the report says it is as of that the map does not cover: of entries among them nothing is proven. */
  readonly unproven: bigint;
}

/**
 * Checks an accounting's JSON document against the entries that were proven to be all there are: each disclosure in it is one of
 * them that counts and lies in the document's period, and says what its leaf says; each such entry is in it; and its totals are those of
 * its disclosures. What is sealed in a leaf cannot be compared, nor what is withheld.
 *
 * Of entries with one source and event id the first counts. Should the very same id have been used for another person before, the
 * ledger counts neither here, and a document without it is refused all the same.
 *
 * @throws FormatInvalid the document is no accounting
 * @throws ProofInvalid  they differ; the message names the entry
 */
export function verifyReport({ subject, asOf, covered, entries }: Accounting, text: string): ReportVerified {
  const report = documentOf(text);
  if (report.subjectId !== subject) throw new ProofInvalid('the report is about another subject');
  if (report.position !== asOf.position)
    throw new ProofInvalid(`the report is as of position ${report.position}, and the proof of ${asOf.position}`);
  const due = new Map<unknown, AccountedLeaf>();
  const counted = [...countedDisclosures(entries)];
  for (const leaf of counted) {
    if (!isWithin(leaf.entry, report)) continue;
    if (due.has(leaf.entry.id)) throw new ProofInvalid(`there are two entries with the id ${leaf.entry.id}`);
    due.set(leaf.entry.id, leaf);
  }
  report.disclosures.forEach((disclosure, i) => {
    const leaf = due.get(disclosure['entryId']);
    if (leaf === undefined)
      throw new ProofInvalid(
        `disclosure ${i + 1} of the report is no entry that counts and lies in its period, or is there twice`,
      );
    const { id } = leaf.entry;
    if (leaf.index >= asOf.leaves) throw new ProofInvalid(`the disclosure ${id} is newer than the report that has it`);
    const differing = differenceOf(disclosure, leaf.entry);
    if (differing !== null) throw new ProofInvalid(`the report and the leaf of ${id} differ in ${differing}`);
    due.delete(id);
  });
  for (const { index, entry } of due.values())
    if (index < asOf.leaves) throw new ProofInvalid(`the disclosure ${entry.id} is not in the report`);
  assertTotals(report);
  const shown = entries.filter(({ entry }) => entry !== 'withheld' && entry.type === DISCLOSED);
  return {
    disclosures: report.disclosures.length,
    newer: due.size,
    uncounted: shown.length - counted.length,
    unproven: asOf.leaves > covered ? asOf.leaves - covered : 0n,
  };
}

interface ReportDocument {
  readonly subjectId: unknown;
  readonly from: number | null;
  readonly to: number | null;
  readonly position: bigint;
  readonly disclosures: readonly Members[];
  readonly totals: Members;
}

function documentOf(text: string): ReportDocument {
  const { subject, parameters, asOf, disclosures, totals } = objectIn(jsonOf(text, 'the report is no JSON'));
  const { from, to } = objectIn(parameters);
  const { position } = objectIn(asOf);
  if (!Number.isSafeInteger(position)) throw new FormatInvalid('the position that the report is as of is none');
  return {
    subjectId: objectIn(subject)['subjectId'],
    from: from === null ? null : timeOf(from),
    to: to === null ? null : timeOf(to),
    position: BigInt(position as number),
    disclosures: listIn(disclosures),
    totals: objectIn(totals),
  };
}

function objectIn(given: unknown): Members {
  if (typeof given !== 'object' || given === null)
    throw new FormatInvalid('the report is not the JSON of an accounting of disclosures');
  return given as Members;
}

function listIn(given: unknown): Members[] {
  return Array.isArray(given) ? given.map(objectIn) : [objectIn(null)];
}

/** Entries without a source and an event id are no producer's, and count as nothing. */
function* countedDisclosures(entries: Accounting['entries']): Generator<AccountedLeaf> {
  const events = new Set<string>();
  for (const { index, entry } of entries) {
    if (entry === 'withheld') continue;
    const { source, eventId } = entry.metadata;
    if (typeof source !== 'string' || typeof eventId !== 'string') continue;
    const event = JSON.stringify([source, eventId]);
    if (events.has(event)) continue;
    events.add(event);
    if (entry.type === DISCLOSED) yield { index, entry };
  }
}

function isWithin({ data }: LeafEntry, { from, to }: ReportDocument): boolean {
  const time = timeOf(data['occurredAt']);
  return (from === null || time >= from) && (to === null || time < to);
}

/** A day or a moment. What names no time zone would be another time on another machine. @throws FormatInvalid */
function timeOf(given: unknown): number {
  const written = typeof given === 'string' && /^\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?$/.test(given);
  const time = written ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(time)) throw new FormatInvalid('a time of the report or of a disclosure is none');
  return time;
}

/** The first member in which a report and a leaf differ; null when they agree. */
function differenceOf(disclosure: Members, { data, metadata }: LeafEntry): string | null {
  const pairs: [string, unknown, unknown][] = [
    ...[...IN_DATA, ...IN_DATA_TOO].map((name): [string, unknown, unknown] => [name, disclosure[name], data[name]]),
    ...IN_METADATA.map((name): [string, unknown, unknown] => [name, disclosure[name], metadata[name]]),
    ...membersOf('recipient', OF_RECIPIENT, disclosure, data),
    ...membersOf('request', OF_REQUEST, disclosure, data),
  ];
  return pairs.find(([, said, is]) => !same(said ?? null, is ?? null))?.[0] ?? null;
}

function membersOf(
  of: string,
  names: readonly string[],
  disclosure: Members,
  data: Members,
): [string, unknown, unknown][] {
  const [said, is] = [disclosure[of] as Members | null | undefined, data[of] as Members | null | undefined];
  return names.map((name) => [`${of}.${name}`, said?.[name], is?.[name]]);
}

/** Texts, truth values, and lists of them: what is compared is never deeper. */
function same(said: unknown, is: unknown): boolean {
  if (!Array.isArray(said) || !Array.isArray(is)) return said === is;
  return said.length === is.length && said.every((item, i) => item === is[i]);
}

/** A recipient goes by the name in its newest disclosure, the first of the report; a category counts once in each disclosure. */
function assertTotals({ totals, disclosures }: ReportDocument): void {
  const [names, recipients, categories] = [new Map<unknown, unknown>(), new Tally(), new Tally()];
  for (const { recipient, dataCategories } of disclosures) {
    const { id, name } = objectIn(recipient);
    if (!names.has(id)) names.set(id, name);
    recipients.add(id);
    for (const category of new Set(Array.isArray(dataCategories) ? dataCategories : [])) categories.add(category);
  }
  const [byRecipient, byCategory] = [listIn(totals['byRecipient']), listIn(totals['byCategory'])];
  const agrees =
    totals['entries'] === disclosures.length &&
    recipients.is(byRecipient.map(({ id, count }) => [id, count])) &&
    byRecipient.every(({ id, name }) => name === names.get(id)) &&
    categories.is(byCategory.map(({ category, count }) => [category, count]));
  if (!agrees) throw new ProofInvalid('the totals of the report are not those of its disclosures');
}

class Tally {
  private readonly counts = new Map<unknown, number>();

  add(what: unknown): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  is(said: readonly (readonly [unknown, unknown])[]): boolean {
    const named = new Map(said);
    return (
      said.length === this.counts.size &&
      named.size === said.length &&
      said.every(([what, count]) => this.counts.get(what) === count)
    );
  }
}
