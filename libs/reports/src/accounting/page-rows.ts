import type { CustomerView, Disclosure } from '@sijill/contracts';
import { writtenCount } from '../rendering/dates.js';
import type { Text, Wording } from './wording.js';

export type Labelled = readonly [label: string, value: Text];

type Line = readonly Labelled[];

/** One entry, as the register's table shows it: a band of columns, and under it a trail of ids in small print. */
export interface Row {
  readonly number: string;
  readonly when: readonly Text[];
  /** Said of a row that does not stand as the others do. */
  readonly flag: string | null;
  readonly recipient: Text;
  readonly recipientId: Text;
  /** Class, capacity and country. */
  readonly standing: readonly Text[];
  readonly data: readonly Text[];
  readonly why: readonly Line[];
  readonly how: readonly Line[];
  readonly trail: readonly Labelled[];
  /** A row stays on one page, unless its texts are so long that it might not fit on one. */
  readonly breakable: boolean;
}

const LONG = 1200;

/** @param index the row's place in the accounting, from 0 */
export function pageRow(d: Disclosure, index: number, wording: Wording): Row {
  const { words } = wording;
  return {
    number: writtenCount(index + 1),
    when: when(d.occurredAt, wording),
    flag: d.standing === 'conflict' ? words.conflictFlag : null,
    recipient: wording.text(d.recipient.name),
    recipientId: wording.id(d.recipient.id),
    standing: [
      ...(d.recipient.kind === 'person' ? [wording.key('kind', d.recipient.kind)] : []),
      wording.key('class', d.recipient.class),
      ...(d.recipient.capacity === null ? [] : [wording.key('capacity', d.recipient.capacity)]),
      ...(d.recipient.country === null ? [] : [wording.country(d.recipient.country)]),
    ],
    data: d.dataCategories.map((category) => wording.key('category', category)),
    why: [
      [[words.purpose, wording.key('purpose', d.purpose)]],
      [[words.legalBasis, wording.key('legalBasis', d.legalBasis)]],
      [[words.ground, wording.key('ground', d.ground)]],
      ...(d.onBehalfOf === null ? [] : [[[words.onBehalfOf, customer(d.onBehalfOf, wording)]] as const]),
    ],
    how: [
      [
        [words.method, wording.key('method', d.method)],
        [words.occasion, wording.key('occasion', d.occasion)],
      ],
      [
        [words.minimumNecessary, minimum(d.minimumNecessary, wording)],
        [words.requestReference, wording.text(d.request?.reference ?? null)],
      ],
      [[words.transferBasis, wording.key('transferBasis', d.transferBasis)]],
      ...(d.effectOnOthers === null ? [] : [[[words.effectOnOthers, wording.text(d.effectOnOthers)]] as const]),
    ],
    trail: [
      [words.entryId, wording.id(d.entryId)],
      [words.recordedAt, wording.id(d.recordedAt)],
      [words.policyVersion, wording.id(d.policyVersion)],
      [words.producer, wording.id(d.producer)],
      [words.system, wording.id(d.system)],
      [words.processingActivity, wording.id(d.processingActivity)],
      [words.source, wording.id(d.source)],
      [words.eventId, wording.id(d.eventId)],
      [words.sealed, wording.key('sealed', d.sealed)],
      ...(d.request?.sha256 ? [[words.requestDigest, wording.id(d.request.sha256)] as const] : []),
    ],
    breakable: JSON.stringify(d).length > LONG + 700,
  };
}

function when(instant: string, wording: Wording): Text[] {
  const written = wording.time(instant);
  return written ? [written.day, written.hijri, wording.text(written.time)] : [wording.text(instant)];
}

function minimum(stated: boolean | null, wording: Wording): Text {
  if (stated === null) return wording.text(null);
  return stated ? wording.words.yes : wording.words.no;
}

/** By name where there is one to be seen, else by what the ledger calls it. */
function customer({ id, name }: CustomerView, wording: Wording): Text {
  return name === null ? wording.id(id) : wording.text(name);
}
