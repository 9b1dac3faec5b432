import type { LeafEntry } from '../leaf-entry.js';
import { FormatInvalid, jsonOf } from '../primitives/bytes.js';
import { ProofInvalid } from '../tree/proofs.js';
import { compareDisclosure } from './compare-disclosure.js';
import { countedEntries, eventOf } from './standings.js';
import { DISCLOSED, type Accounting } from './verify-accounting-proof.js';

type Members = Readonly<Record<string, unknown>>;

export interface ReportVerified {
  /** Disclosures of the report, each of which is a leaf. */
  readonly disclosures: number;
  /** Of them, those whose event's identity was used before, for something else. */
  readonly conflicts: number;
  /** Whether no disclosure of its period is missing; where only its lines are proven, that cannot be said. */
  readonly complete: boolean;
  /** Disclosures among the leaves that came after what the report says it is as of. */
  readonly newer: number;
  /** Disclosures among the leaves that count as nothing: they repeat what was recorded before. */
  readonly uncounted: number;
  /** Leaves up to what the report says it is as of that the map does not cover: of entries among them nothing is proven. */
  readonly unproven: bigint;
  /** Members of disclosures of which the report says something that no leaf shows, by their names, sorted. */
  readonly notCompared: readonly string[];
}

/**
 * Checks an accounting's JSON document against the entries that were proven: each disclosure in it is one of
 * them that counts and lies in the document's period, and says what its leaf says openly; each such entry is in it; its totals are those
 * of its disclosures; it is about the subjects of the proof, and tells of no fewer open conflicts. What is sealed in a leaf is not compared, nor
 * what is withheld. Where the proof is complete, so is the report.
 *
 * @throws FormatInvalid the document is no accounting
 * @throws ProofInvalid  they differ; the message names the entry
 */
export function verifyReport(accounting: Accounting, text: string): ReportVerified {
  const { position, complete, entries } = accounting;
  const report = documentOf(text);
  assertSubjects(report, accounting);
  if (report.position !== position)
    throw new ProofInvalid(`the report is as of position ${report.position}, and the proof of ${position}`);
  if (complete !== null && !complete.kinds.includes('disclosure'))
    throw new ProofInvalid('the proof is not of disclosures');
  const shown = entries.flatMap(({ entry }) => (entry !== 'withheld' && entry.type === DISCLOSED ? [entry] : []));
  const nameless = shown.find((entry) => eventOf(entry) === null);
  if (nameless !== undefined)
    throw new ProofInvalid(`the disclosure ${nameless.id} names no event, so that no report would show it`);
  const counted = [...countedEntries(entries)].filter(({ entry }) => entry.type === DISCLOSED);
  const due = new Map<unknown, (typeof counted)[number]>();
  for (const leaf of counted) {
    if (!isWithin(leaf.entry, report)) continue;
    if (due.has(leaf.entry.id)) throw new ProofInvalid(`there are two entries with the id ${leaf.entry.id}`);
    due.set(leaf.entry.id, leaf);
  }
  const notCompared = new Set<string>();
  const isNewer = (index: bigint): boolean => complete !== null && index >= complete.asOf;
  report.disclosures.forEach((disclosure, i) => {
    const leaf = due.get(disclosure['entryId']);
    if (leaf === undefined)
      throw new ProofInvalid(
        `disclosure ${i + 1} of the report is no entry that counts and lies in its period, or is there twice`,
      );
    const { id } = leaf.entry;
    if (isNewer(leaf.index)) throw new ProofInvalid(`the disclosure ${id} is newer than the report that has it`);
    const compared = compareDisclosure(disclosure, leaf.entry, leaf.standing);
    if (compared.differing !== null)
      throw new ProofInvalid(`the report and the leaf of ${id} differ in ${compared.differing}`);
    for (const member of compared.notCompared) notCompared.add(member);
    due.delete(id);
  });
  for (const { index, entry } of due.values())
    if (!isNewer(index)) throw new ProofInvalid(`the disclosure ${entry.id} is not in the report`);
  assertTotals(
    report,
    complete && entries.filter(({ index, entry }) => entry === 'withheld' && !isNewer(index)).length,
  );
  if (complete === null && shown.length !== report.disclosures.length)
    throw new ProofInvalid('the proof shows disclosures that the report does not have');
  const { asOf, covered } = complete ?? { asOf: 0n, covered: 0n };
  return {
    disclosures: report.disclosures.length,
    complete: complete !== null,
    conflicts: report.disclosures.filter(({ standing }) => standing === 'conflict').length,
    newer: due.size,
    uncounted: shown.length - counted.length,
    unproven: asOf > covered ? asOf - covered : 0n,
    notCompared: [...notCompared].sort(),
  };
}

interface ReportDocument {
  readonly subject: Members;
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
    subject: objectIn(subject),
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

/** A report for the person itself tells of open conflicts in words; its number is null. */
function assertSubjects(
  { subject }: ReportDocument,
  { subject: first, linked, openConflicts, complete }: Accounting,
): void {
  const { subjectId, linked: said, openConflicts: told } = subject;
  if (subjectId !== first) throw new ProofInvalid('the report is about another subject');
  const others = new Set<unknown>(linked);
  if (!Array.isArray(said) || said.length !== others.size || !said.every((other) => others.delete(other)))
    throw new ProofInvalid('the report names other linked subjects');
  if (told === null) return;
  if (complete === null) throw new ProofInvalid('the report counts open conflicts, which the proof does not show');
  const open = openConflicts.filter((index) => index < complete.asOf).length;
  if (!(Number.isSafeInteger(told) && (told as number) >= open))
    throw new ProofInvalid(`the report does not tell of ${open} open conflicts`);
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

/**
 * A recipient goes by the name in its newest disclosure, the first of the report; a category counts once in each disclosure.
 *
 * @param withheld entries of the proof; null where it tells nobody how many there are. When they happened it does not show, nor which
 *   of them repeat another
 */
function assertTotals({ totals, disclosures, from, to }: ReportDocument, withheld: number | null): void {
  const [names, recipients, categories] = [new Map<unknown, unknown>(), new Tally(), new Tally()];
  for (const { recipient, dataCategories } of disclosures) {
    const { id, name } = objectIn(recipient);
    if (!names.has(id)) names.set(id, name);
    recipients.add(id);
    for (const category of new Set(Array.isArray(dataCategories) ? dataCategories : [])) categories.add(category);
  }
  const [byRecipient, byCategory] = [listIn(totals['byRecipient']), listIn(totals['byCategory'])];
  const hidden = totals['withheld'];
  if (hidden !== null && withheld === null)
    throw new ProofInvalid('the report counts what is withheld, which the proof does not show');
  const agrees =
    totals['entries'] === disclosures.length &&
    totals['conflicts'] === disclosures.filter(({ standing }) => standing === 'conflict').length &&
    (hidden === null ||
      isCountOf(hidden, { least: from === null && to === null ? Math.min(1, withheld!) : 0, most: withheld! })) &&
    recipients.is(byRecipient.map(({ id, count }) => [id, count])) &&
    byRecipient.every(({ id, name }) => name === names.get(id)) &&
    categories.is(byCategory.map(({ category, count }) => [category, count]));
  if (!agrees) throw new ProofInvalid('the totals of the report are not those of its disclosures');
}

function isCountOf(said: unknown, { least, most }: { readonly least: number; readonly most: number }): boolean {
  return Number.isSafeInteger(said) && (said as number) >= least && (said as number) <= most;
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
