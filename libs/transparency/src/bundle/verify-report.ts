import { FormatInvalid } from '../primitives/bytes.js';
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

export interface ReportVerified {
  /** Disclosures of the report, each of which is a leaf. */
  readonly disclosures: number;
  /** Disclosures among the leaves that came after what the report says it is as of. */
  readonly newer: number;
}

/**
 * Checks an accounting's JSON document against the entries that were proven to be all there are: each disclosure in it is one of
 * them and says what its leaf says, and each that counts and lies in the document's period is in it. What is sealed in a leaf cannot be
 * compared.
 *
 * Of entries with one source and event id the first counts. Should the very same id have been used for another person before, the
 * ledger counts neither here, and a document without it is refused all the same.
 *
 * @throws FormatInvalid the document is no accounting
 * @throws ProofInvalid  they differ; the message names the entry
 */
export function verifyReport({ subject, asOf, entries }: Accounting, text: string): ReportVerified {
  const report = documentOf(text);
  if (report.subjectId !== subject) throw new ProofInvalid('the report is about another subject');
  if (report.position !== String(asOf.position))
    throw new ProofInvalid(`the report is as of position ${report.position}, and the proof of ${asOf.position}`);
  const shown = entries.flatMap(({ index, entry }) => (entry === 'withheld' ? [] : [{ index, ...entry }]));
  const byId = new Map(shown.map((entry) => [entry.id, entry]));
  const reported = new Set<unknown>();
  for (const disclosure of report.disclosures) {
    const { entryId } = disclosure;
    const leaf = byId.get(String(entryId));
    if (leaf?.type !== DISCLOSED)
      throw new ProofInvalid(`the report has a disclosure ${String(entryId)} that is no leaf`);
    if (reported.has(entryId)) throw new ProofInvalid(`the report has the disclosure ${leaf.id} twice`);
    reported.add(entryId);
    const differing = differenceOf(disclosure, leaf);
    if (differing !== null) throw new ProofInvalid(`the report and the leaf of ${leaf.id} differ in ${differing}`);
  }
  let newer = 0;
  for (const leaf of counted(shown)) {
    if (reported.has(leaf.id) || !isWithin(leaf.data['occurredAt'], report)) continue;
    if (leaf.index >= asOf.leaves) newer++;
    else throw new ProofInvalid(`the disclosure ${leaf.id} is not in the report`);
  }
  return { disclosures: reported.size, newer };
}

interface ReportDocument {
  readonly subjectId: unknown;
  readonly from: number | null;
  readonly to: number | null;
  readonly position: string;
  readonly disclosures: readonly Members[];
}

function documentOf(text: string): ReportDocument {
  try {
    const { subject, parameters, asOf, disclosures } = JSON.parse(text) as {
      subject: Members;
      parameters: Members;
      asOf: Members;
      disclosures: Members[];
    };
    const bound = (given: unknown): number | null => (given === null ? null : timeOf(given));
    return {
      subjectId: subject['subjectId'],
      from: bound(parameters['from']),
      to: bound(parameters['to']),
      position: String(asOf['position']),
      disclosures: disclosures.map((disclosure) => ({ ...disclosure })),
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError)
      throw new FormatInvalid('not the JSON of an accounting of disclosures');
    throw error;
  }
}

function* counted<Entry extends LeafEntry>(entries: readonly Entry[]): Generator<Entry> {
  const events = new Set<string>();
  for (const entry of entries) {
    const { source, eventId } = entry.metadata;
    const event = JSON.stringify([source, eventId]);
    if (events.has(event)) continue;
    events.add(event);
    if (entry.type === DISCLOSED) yield entry;
  }
}

function isWithin(occurredAt: unknown, { from, to }: ReportDocument): boolean {
  const time = timeOf(occurredAt);
  return (from === null || time >= from) && (to === null || time < to);
}

/** @throws FormatInvalid */
function timeOf(given: unknown): number {
  const time = typeof given === 'string' ? Date.parse(given) : Number.NaN;
  if (Number.isNaN(time)) throw new FormatInvalid('a time is none');
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
  return pairs.find(([, said, is]) => JSON.stringify(said ?? null) !== JSON.stringify(is ?? null))?.[0] ?? null;
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
