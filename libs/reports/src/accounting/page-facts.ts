import { writtenCount } from '../rendering/dates.js';
import type { AccountingDataset, SubjectIdentifier } from './dataset.js';
import type { Text, Wording } from './wording.js';

/** One thing the first page states: a label, and lines of runs. */
export interface Fact {
  readonly label: Text;
  readonly lines: readonly (readonly Text[])[];
}

export interface FactGroup {
  readonly title: string;
  readonly facts: readonly Fact[];
}

/** Who asked and why, about whom, for which time, and where the ledger stood. */
export function pageFacts({ parameters, subject, asOf }: AccountingDataset, wording: Wording): FactGroup[] {
  const { words } = wording;
  return [
    {
      title: words.request,
      facts: [
        { label: words.requestedBy, lines: [[wording.text(parameters.requestedBy)]] },
        { label: words.reason, lines: [[wording.text(parameters.reason)]] },
        ...period(parameters.from, parameters.to, wording),
      ],
    },
    {
      title: words.subject,
      facts: [
        ...subject.identifiers.map((identifier) => ({
          label: wording.key('scheme', identifier.scheme),
          lines: identifierLines(identifier, wording),
        })),
        { label: words.subjectId, lines: [subject.subjectId, ...subject.linked].map((id) => [wording.id(id)]) },
      ],
    },
    {
      title: words.ledger,
      facts: [
        { label: words.position, lines: [[writtenCount(asOf.position)]] },
        { label: words.madeAt, lines: asOf.position === 0 ? [[words.emptyLedger]] : moment(asOf.time, wording) },
      ],
    },
  ];
}

/** The value with the realm in which it means something, and until when it led to this person. */
function identifierLines({ scheme, realm, value, until }: SubjectIdentifier, wording: Wording): Text[][] {
  const of = realm === null ? [] : [scheme === 'national_id' ? wording.country(realm) : wording.text(realm)];
  const day = until === null ? null : (wording.time(until)?.day ?? until);
  return [
    [wording.text(value), ...of.flatMap((where) => [' · ', where])],
    ...(day === null ? [] : [[wording.words.heldUntil.replace('{day}', day)]]),
  ];
}

function period(from: string | null, to: string | null, wording: Wording): Fact[] {
  const { words } = wording;
  if (from === null && to === null) return [{ label: words.period, lines: [[words.wholeHistory]] }];
  return [
    { label: words.from, lines: from === null ? [[words.beginning]] : moment(from, wording) },
    { label: words.until, lines: to === null ? [[words.present]] : moment(to, wording) },
  ];
}

function moment(instant: string, wording: Wording): Text[][] {
  const written = wording.time(instant);
  if (!written) return [[wording.text(instant)]];
  return [[written.day], [written.hijri], [wording.text(written.time)]];
}
