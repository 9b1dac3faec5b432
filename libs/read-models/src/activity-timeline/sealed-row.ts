import type { CustomerView, RecipientView, ReferenceView, SealedState } from '@sijill/contracts';
import type { JsonObject, JsonValue } from '@sijill/event-store';
import type { Opener, OpenerFor } from '../opening.js';
import type { ActivityTable } from './table.js';

/** The sealed part of a row that is opened for readers. */
const PART = 'subject';

/** A row with what was sealed in it, as far as it could be opened. */
export interface OpenedRow {
  /** The members of the event's data. */
  readonly data: JsonObject;
  readonly source: string | null;
  readonly eventId: string | null;
  readonly sealed: SealedState;
}

/** Makes an opener for the rows of a page, with one question for their keys. */
export function openerForRows(rows: readonly ActivityTable[], openerFor: OpenerFor): Promise<Opener> {
  return openerFor(rows.flatMap(({ sealed }) => sealedPart(sealed) ?? []));
}

/** @throws SealBroken */
export function openedRow(row: ActivityTable, opener: Opener): OpenedRow {
  const { data, source, wasSealed } = JSON.parse(row.body) as {
    data: JsonObject;
    source: string | null;
    wasSealed: boolean;
  };
  const text = sealedPart(row.sealed);
  const opened = text === null ? null : opener.open(row.entry_id, PART, text);
  if (opened === null) return { data, source, eventId: null, sealed: wasSealed ? 'destroyed' : 'none' };
  for (const [path, value] of Object.entries(opened.fields ?? {})) put(data, path.split('.'), value as JsonValue);
  return { data, source, eventId: opened.eventId ?? null, sealed: 'closed' };
}

function sealedPart(sealed: string | null): string | null {
  return sealed === null ? null : ((JSON.parse(sealed) as Record<string, string>)[PART] ?? null);
}

/** Puts a member where it stood in the event. An id that stands there is the opaque one of a person: readers filter by it. */
function put(into: JsonObject, [name = '', ...rest]: readonly string[], value: JsonValue): void {
  if (rest.length === 0) {
    if (name !== 'id' || into[name] === undefined) into[name] = value;
    return;
  }
  const inner = (into[name] ??= {});
  if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) put(inner, rest, value);
}

type Given = JsonValue | undefined;

export function recipientView(given: Given): RecipientView {
  const {
    id,
    name,
    kind,
    class: kindOf,
    capacity,
    country,
    contact,
    reference,
  } = (given ?? {}) as Partial<RecipientView>;
  return {
    id: id ?? null,
    name: name ?? null,
    kind: kind ?? null,
    class: kindOf ?? '',
    capacity: capacity ?? null,
    country: country ?? null,
    contact: contact ?? null,
    reference: reference ?? null,
  };
}

export function customerView(given: Given): CustomerView | null {
  if (given === undefined || given === null) return null;
  const { id, name, kind } = given as Partial<CustomerView>;
  return { id: id ?? null, name: name ?? null, kind: kind ?? null };
}

export function referenceView(given: Given): ReferenceView | null {
  if (given === undefined || given === null) return null;
  const { reference, sha256 } = given as Partial<ReferenceView>;
  return { reference: reference ?? null, sha256: sha256 ?? null };
}
