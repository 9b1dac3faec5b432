import type { Disclosure } from '@sijill/contracts';

type Cell = string | boolean | readonly string[] | null;

/** The columns, in the published order. A name with a dot is a member of a nested object. Lists of objects are in the JSON only. */
const columns: readonly (readonly [name: string, cell: (d: Disclosure) => Cell])[] = [
  ['entryId', (d) => d.entryId],
  ['subjectId', (d) => d.subjectId],
  ['occurredAt', (d) => d.occurredAt],
  ['recordedAt', (d) => d.recordedAt],
  ['recipient.id', (d) => d.recipient.id],
  ['recipient.name', (d) => d.recipient.name],
  ['recipient.kind', (d) => d.recipient.kind],
  ['recipient.class', (d) => d.recipient.class],
  ['recipient.capacity', (d) => d.recipient.capacity],
  ['recipient.country', (d) => d.recipient.country],
  ['recipient.contact', (d) => d.recipient.contact],
  ['recipient.reference', (d) => d.recipient.reference],
  ['dataCategories', (d) => d.dataCategories],
  ['purpose', (d) => d.purpose],
  ['legalBasis', (d) => d.legalBasis],
  ['ground', (d) => d.ground],
  ['method', (d) => d.method],
  ['occasion', (d) => d.occasion],
  ['request.reference', (d) => d.request?.reference ?? null],
  ['request.sha256', (d) => d.request?.sha256 ?? null],
  ['minimumNecessary', (d) => d.minimumNecessary],
  ['effectOnOthers', (d) => d.effectOnOthers],
  ['transferBasis', (d) => d.transferBasis],
  ['policyVersion', (d) => d.policyVersion],
  ['producer', (d) => d.producer],
  ['onBehalfOf.id', (d) => d.onBehalfOf?.id ?? null],
  ['onBehalfOf.name', (d) => d.onBehalfOf?.name ?? null],
  ['onBehalfOf.kind', (d) => d.onBehalfOf?.kind ?? null],
  ['system', (d) => d.system],
  ['processingActivity', (d) => d.processingActivity],
  ['source', (d) => d.source],
  ['eventId', (d) => d.eventId],
  ['standing', (d) => d.standing],
  ['verdict', (d) => d.verdict],
  ['clauses', (d) => d.clauses],
  ['sealed', (d) => d.sealed],
];

/**
 * The accounting's disclosures as CSV (RFC 4180, UTF-8, CRLF), a header and one row an entry, newest first; written row by row.
 *
 * There is no byte order mark. With one, a spreadsheet opens Arabic at a double click, but most programs take the mark
 * for a part of the first column's name and then find no `entryId`, without a word. Here the PDF is the copy for eyes and
 * this file is the copy for programs; a spreadsheet shows the Arabic when the file is imported as UTF-8.
 */
export async function* accountingCsv(
  disclosures: AsyncIterable<Disclosure> | Iterable<Disclosure>,
): AsyncGenerator<string> {
  yield lineOf(columns.map(([name]) => name));
  for await (const disclosure of disclosures) yield lineOf(columns.map(([, cell]) => written(cell(disclosure))));
}

function lineOf(cells: readonly string[]): string {
  return `${cells.join(',')}\r\n`;
}

/**
 * What a spreadsheet takes for a formula, in its full-width forms too, with the white space that it skips over: at the beginning of a cell, and behind
 * whatever may separate cells where the file is opened with another separator than ours, where quotes do not hold a cell together.
 */
const runnable = /(^|[;|\t\r\n])([\s"]*)(?=[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/g;

function written(cell: Cell): string {
  if (cell === null) return '';
  const text = typeof cell === 'object' ? cell.join('; ') : String(cell);
  const harmless = text.replace(/^[\t\r\n]/, "'$&").replace(runnable, "$1$2'");
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
