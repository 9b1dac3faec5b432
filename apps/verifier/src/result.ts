import {
  fromBase64,
  readAnyLeaf,
  readLogName,
  textOf,
  type ForeignLeaf,
  type LeafEntry,
  type OpenedCheckpoint,
  type OpeningVerified,
} from '@sijill/transparency';
import { element } from './element.js';
import type { ProvenAccounting, ProvenLeaf, Verdict } from './given-files.js';
import { activityOf, pathPicture, timelinePicture } from './pictures.js';
import type { Words } from './words.js';

/** What is said of a verdict, and what is there to look at beneath it. */
export interface Result {
  readonly said: readonly HTMLElement[];
  readonly shown: readonly HTMLElement[];
}

export function resultOf(verdict: Verdict, words: Words, rightToLeft: boolean): Result {
  switch (verdict.state) {
    case 'missing': {
      const parts = verdict.parts.map((part) => element('li', {}, words.parts[part]));
      return { said: [element('p', { class: 'missing' }, words.missing), element('ul', {}, ...parts)], shown: [] };
    }
    case 'refused':
    case 'failed': {
      const [title, hint] =
        verdict.state === 'refused' ? [words.refused, words.refusedHint] : [words.failed, words.failedHint];
      const reason = element('p', { class: 'reason', lang: 'en', dir: 'ltr' }, verdict.reason);
      return { said: [headline('✗', title), element('p', {}, hint), reason], shown: [] };
    }
    case 'holds': {
      const { said, shown } =
        verdict.shown.what === 'entry'
          ? entryResult(verdict.shown, words)
          : accountingResult(verdict.shown, words, rightToLeft);
      const limits = element('p', { class: 'limits' }, words.limits[verdict.shown.what]);
      return { said: [headline('✓', words.holds), ...said], shown: [...shown, limits] };
    }
  }
}

function headline(mark: string, title: string): HTMLElement {
  return element('h2', {}, element('span', { class: 'mark', 'aria-hidden': 'true' }, mark), title);
}

function entryResult(proven: ProvenLeaf, words: Words): Result {
  const { index, checkpoint, leaf, opened } = proven;
  const text = textIn(leaf);
  return {
    said: [
      element('p', {}, words.entryHolds(String(index), String(checkpoint.size), isolated(checkpoint.origin))),
      ...(isForeign(text) ? [element('p', { class: 'foreign' }, words.foreignLeaf)] : []),
      ...sealedSentences(text, opened, words).map((sentence) => element('p', {}, sentence)),
      cosignedBy(checkpoint, words),
      ...lostBy(checkpoint, words),
    ],
    shown: [
      ...(opened === null ? [] : openedParts(opened, words)),
      element('h3', {}, words.path),
      element('p', { class: 'hint' }, words.pathHint),
      element('figure', {}, pathPicture(proven, words)),
      ...(text === null
        ? []
        : [
            element(
              'details',
              {},
              element('summary', {}, words.details),
              element('pre', { dir: 'ltr' }, laidOut(text)),
            ),
          ]),
    ],
  };
}

function textIn(leaf: Uint8Array): string | null {
  try {
    return textOf(leaf);
  } catch {
    return null;
  }
}

/** What of the sealed parts is known, and what is not. */
function sealedSentences(leaf: string | null, opened: OpeningVerified | null, words: Words): string[] {
  const named = (parts: readonly string[]): string =>
    parts.map((part) => isolated(nameOfPart(part, words))).join(words.comma);
  if (opened === null) {
    const sealed = sealedParts(leaf);
    return sealed.length === 0 ? [] : [words.notOpened(named(sealed))];
  }
  return [
    words.openedHolds(named(Object.keys(opened.sealed))),
    ...(opened.closed.length === 0 ? [] : [words.closed(named(opened.closed))]),
  ];
}

function sealedParts(leaf: string | null): string[] {
  const entry = leaf === null ? null : entryIn(leaf);
  const { sealed } = entry !== null && 'data' in entry ? entry.data : {};
  return typeof sealed === 'object' && sealed !== null ? Object.keys(sealed) : [];
}

function nameOfPart(part: string, { sealedParts: names }: Words): string {
  return Object.hasOwn(names, part) ? names[part]! : part;
}

/** What was opened, a table for each part. What is in it is shown as text, whatever it is. */
function openedParts({ sealed }: OpeningVerified, words: Words): HTMLElement[] {
  return [
    element('h3', {}, words.opened),
    element('p', { class: 'hint' }, words.openedHint),
    ...Object.entries(sealed).map(([part, value]) =>
      element(
        'table',
        { class: 'opened' },
        element('caption', {}, nameOfPart(part, words)),
        element(
          'tbody',
          {},
          ...saidIn(part, value, words).map(([name, text]) =>
            element(
              'tr',
              {},
              element('th', { scope: 'row' }, element('bdi', {}, name)),
              element('td', {}, element('bdi', {}, text)),
            ),
          ),
        ),
      ),
    ),
  ];
}

/** The names and texts that a part has. Of a record that was not understood these are its bytes, and their text where they are one. */
function saidIn(part: string, value: unknown, words: Words): [string, string][] {
  const rows = rowsOf(value, []);
  if (part !== 'quarantine') return rows;
  const text = textIn(fromBase64((value as { base64: string }).base64));
  return text === null ? rows : [[words.asText, text], ...rows];
}

function rowsOf(value: unknown, path: readonly string[]): [string, string][] {
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([name, inner]) => rowsOf(inner, [...path, name]));
  return [[path.join(' › '), typeof value === 'string' ? value : JSON.stringify(value)]];
}

/** A leaf as people read it. What is in it is shown as text, whatever it is. */
function laidOut(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Whether the leaf is that of an event which the ledger has not written: it is in the log, and says nothing. */
function isForeign(text: string | null): boolean {
  const entry = text === null ? null : entryIn(text);
  return entry !== null && 'foreign' in entry;
}

/** Null where the leaf is no entry: any bytes can be a leaf of some log. */
function entryIn(text: string): LeafEntry | ForeignLeaf | null {
  try {
    return readAnyLeaf(text);
  } catch {
    return null;
  }
}

function accountingResult({ accounting, report }: ProvenAccounting, words: Words, rightToLeft: boolean): Result {
  const { subject, linked, checkpoint, complete, entries, openConflicts } = accounting;
  const open = entries.flatMap(({ entry }) => (entry === 'withheld' ? [] : [entry]));
  const withheld = entries.length - open.length;
  const [origin, count] = [isolated(checkpoint.origin), String(entries.length)];
  const reportHolds = complete === null ? words.reportLinesHold : words.reportHolds;
  const sentences = [
    complete === null
      ? words.linesHold(count, origin)
      : words.accountingHolds(count, String(complete.covered), origin, isolated(`${minuteOf(complete.mappedAt)} UTC`)),
    ...(complete !== null && linked.length > 0 ? [words.linked(String(linked.length))] : []),
    ...(withheld > 0 ? [words.withheld(String(withheld))] : []),
    ...(complete !== null && openConflicts.length > 0 ? [words.openConflicts(String(openConflicts.length))] : []),
    ...(report === null ? [words.noReport] : [reportHolds(String(report.disclosures))]),
    ...(report !== null && report.conflicts > 0 ? [words.conflicts(String(report.conflicts))] : []),
    ...(report !== null && report.notCompared.length > 0
      ? [words.notCompared(report.notCompared.map(isolated).join(words.comma))]
      : []),
    ...(report !== null && report.unproven > 0n ? [words.unproven(String(report.unproven))] : []),
    ...(report !== null && report.newer > 0 ? [words.reportNewer(String(report.newer))] : []),
    ...(report !== null && report.uncounted > 0 ? [words.uncounted(String(report.uncounted))] : []),
  ];
  const timeline = timelinePicture(open, words, rightToLeft);
  return {
    said: [
      ...sentences.map((sentence) => element('p', {}, sentence)),
      cosignedBy(checkpoint, words),
      ...lostBy(checkpoint, words),
    ],
    shown: [
      element('p', {}, `${words.subject}: `, element('code', { dir: 'ltr' }, subject)),
      ...(linked.length === 0
        ? []
        : [
            element('p', {}, `${words.linkedSubjects}:`),
            element(
              'ul',
              { class: 'linked' },
              ...linked.map((id) => element('li', {}, element('code', { dir: 'ltr' }, id))),
            ),
          ]),
      ...(timeline === null
        ? []
        : [element('h3', {}, words.timeline), element('figure', { class: 'scroll', tabindex: '0' }, timeline)]),
      ...(entries.length === 0
        ? []
        : [element('div', { class: 'scroll', tabindex: '0' }, entryTable(accounting, words))]),
    ],
  };
}

function entryTable({ entries }: ProvenAccounting['accounting'], words: Words): HTMLTableElement {
  const { leaf, when, what, whom } = words.columns;
  const head = [leaf, when, what, whom].map((name) => element('th', { scope: 'col' }, name));
  const rows = entries.map(({ index, entry }) => {
    const cells =
      entry === 'withheld'
        ? ['', words.withheldEntry, '']
        : [whenOf(entry), words.activities[activityOf(entry)], whomOf(entry)];
    const [time, activity, recipient] = cells;
    const type = entry === 'withheld' ? null : element('span', { class: 'type', dir: 'ltr' }, entry.type);
    return element(
      'tr',
      {},
      element('td', {}, String(index)),
      element('td', { class: 'when' }, ...time!.split(' ').flatMap((part) => [element('bdi', {}, part), ' '])),
      element('td', {}, activity!, ' ', type),
      element('td', {}, element('bdi', {}, recipient!)),
    );
  });
  return element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
}

/** A name in the middle of a sentence that may run the other way. */
function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}

function whenOf({ data }: LeafEntry): string {
  const { occurredAt } = data;
  return typeof occurredAt === 'string' ? minuteOf(occurredAt) : '';
}

function minuteOf(instant: string): string {
  return instant.slice(0, 16).replace('T', ' ');
}

function whomOf({ data }: LeafEntry): string {
  const name = (data['recipient'] as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' ? name : '';
}

/** What the log has lost by then, as its name says. */
function lostBy({ origin }: OpenedCheckpoint, words: Words): HTMLElement[] {
  const { losses } = readLogName(origin);
  return losses === 0 ? [] : [element('p', { class: 'foreign' }, words.lost(String(losses)))];
}

function cosignedBy({ cosignatures }: OpenedCheckpoint, words: Words): HTMLElement {
  const names = cosignatures.map(({ name }) => isolated(name)).join(', ');
  return element('p', { class: 'cosigned' }, names === '' ? words.notCosigned : words.cosigned(names));
}
