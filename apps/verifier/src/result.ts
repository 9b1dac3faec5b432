import { textOf, type LeafEntry, type OpenedCheckpoint } from '@sijill/transparency';
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
  const { index, checkpoint, leaf } = proven;
  const text = leafText(leaf);
  return {
    said: [
      element('p', {}, words.entryHolds(String(index), String(checkpoint.size), isolated(checkpoint.origin))),
      cosignedBy(checkpoint, words),
    ],
    shown: [
      element('h3', {}, words.path),
      element('p', { class: 'hint' }, words.pathHint),
      element('figure', {}, pathPicture(proven, words)),
      ...(text === null
        ? []
        : [element('details', {}, element('summary', {}, words.details), element('pre', { dir: 'ltr' }, text))]),
    ],
  };
}

/** A leaf as people read it; null when it is no text. What is in it is shown as text, whatever it is. */
function leafText(leaf: Uint8Array): string | null {
  try {
    return JSON.stringify(JSON.parse(textOf(leaf)), null, 2);
  } catch {
    return null;
  }
}

function accountingResult({ accounting, report }: ProvenAccounting, words: Words, rightToLeft: boolean): Result {
  const { subject, checkpoint, covered, mappedAt, entries } = accounting;
  const open = entries.flatMap(({ entry }) => (entry === 'withheld' ? [] : [entry]));
  const withheld = entries.length - open.length;
  const [origin, at] = [isolated(checkpoint.origin), isolated(`${minuteOf(mappedAt)} UTC`)];
  const sentences = [
    words.accountingHolds(String(entries.length), String(covered), origin, at),
    ...(withheld > 0 ? [words.withheld(String(withheld))] : []),
    ...(report === null ? [words.noReport] : [words.reportHolds(String(report.disclosures))]),
    ...(report !== null && report.unproven > 0n ? [words.unproven(String(report.unproven))] : []),
    ...(report !== null && report.newer > 0 ? [words.reportNewer(String(report.newer))] : []),
    ...(report !== null && report.uncounted > 0 ? [words.uncounted(String(report.uncounted))] : []),
  ];
  const timeline = timelinePicture(open, words, rightToLeft);
  return {
    said: [...sentences.map((sentence) => element('p', {}, sentence)), cosignedBy(checkpoint, words)],
    shown: [
      element('p', {}, `${words.subject}: `, element('code', { dir: 'ltr' }, subject)),
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

function cosignedBy({ cosignatures }: OpenedCheckpoint, words: Words): HTMLElement {
  const names = cosignatures.map(({ name }) => isolated(name)).join(', ');
  return element('p', { class: 'cosigned' }, names === '' ? words.notCosigned : words.cosigned(names));
}
