import { textOf, type LeafEntry, type OpenedCheckpoint } from '@sijill/transparency';
import { element } from './element.js';
import type { ProvenAccounting, ProvenLeaf, Verdict } from './given-files.js';
import { activityOf, pathPicture, timelinePicture } from './pictures.js';
import type { Words } from './words.js';

/** What the page says of a verdict. */
export function resultOf(verdict: Verdict, words: Words, rightToLeft: boolean): HTMLElement[] {
  switch (verdict.state) {
    case 'missing':
      return [
        element('p', { class: 'missing' }, words.missing),
        element('ul', {}, ...verdict.parts.map((part) => element('li', {}, words.parts[part]))),
      ];
    case 'refused':
      return [
        element(
          'h2',
          { class: 'refused' },
          element('span', { class: 'mark', 'aria-hidden': 'true' }, '✗'),
          words.refused,
        ),
        element('p', {}, words.refusedHint),
        element('p', { class: 'reason', lang: 'en', dir: 'ltr' }, verdict.reason),
      ];
    case 'holds': {
      const shown =
        verdict.shown.what === 'entry'
          ? entryShown(verdict.shown, words)
          : accountingShown(verdict.shown, words, rightToLeft);
      return [
        element('h2', { class: 'holds' }, element('span', { class: 'mark', 'aria-hidden': 'true' }, '✓'), words.holds),
        ...shown,
        element('p', { class: 'limits' }, words.limits),
      ];
    }
  }
}

function entryShown(shown: ProvenLeaf, words: Words): HTMLElement[] {
  const { index, checkpoint, leaf } = shown;
  const text = leafText(leaf);
  return [
    element('p', {}, words.entryHolds(String(index), String(checkpoint.size), isolated(checkpoint.origin))),
    cosignedShown(checkpoint, words),
    element('h3', {}, words.path),
    element('figure', {}, pathPicture(shown, words)),
    ...(text === null
      ? []
      : [element('details', {}, element('summary', {}, words.details), element('pre', { dir: 'ltr' }, text))]),
  ];
}

/** A leaf as people read it; null when it is no text. What is in it is shown as text, whatever it is. */
function leafText(leaf: Uint8Array): string | null {
  try {
    return JSON.stringify(JSON.parse(textOf(leaf)), null, 2);
  } catch {
    return null;
  }
}

function accountingShown({ accounting, report }: ProvenAccounting, words: Words, rightToLeft: boolean): HTMLElement[] {
  const { subject, checkpoint, covered, mappedAt, entries } = accounting;
  const shown = entries.flatMap(({ entry }) => (entry === 'withheld' ? [] : [entry]));
  const withheld = entries.length - shown.length;
  const timeline = timelinePicture(shown, words, rightToLeft);
  const sentences = [
    words.accountingHolds(String(entries.length), String(covered), isolated(checkpoint.origin), isolated(mappedAt)),
    ...(withheld > 0 ? [words.withheld(String(withheld))] : []),
    ...(report === null ? [words.noReport] : [words.reportHolds(String(report.disclosures))]),
    ...(report !== null && report.newer > 0 ? [words.reportNewer(String(report.newer))] : []),
  ];
  return [
    ...sentences.map((sentence) => element('p', {}, sentence)),
    cosignedShown(checkpoint, words),
    element('p', {}, `${words.subject}: `, element('code', { dir: 'ltr' }, subject)),
    ...(timeline === null
      ? []
      : [element('h3', {}, words.timeline), element('figure', { class: 'scroll', tabindex: '0' }, timeline)]),
    element('div', { class: 'scroll', tabindex: '0' }, entryTable(accounting, words)),
  ];
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
      element('td', { class: 'when' }, element('bdi', {}, time!)),
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
  return typeof occurredAt === 'string' ? occurredAt.slice(0, 16).replace('T', ' ') : '';
}

function whomOf({ data }: LeafEntry): string {
  const name = (data['recipient'] as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' ? name : '';
}

function cosignedShown({ cosignatures }: OpenedCheckpoint, words: Words): HTMLElement {
  const names = cosignatures.map(({ name }) => isolated(name)).join(', ');
  return element('p', { class: 'cosigned' }, names === '' ? words.notCosigned : words.cosigned(names));
}
