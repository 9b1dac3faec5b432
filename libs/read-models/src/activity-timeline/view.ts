import { fieldsOfEvent, type ActivityView } from '@sijill/contracts';
import type { JsonObject, JsonValue } from '@sijill/event-store';
import type { Opener } from '../opening.js';
import { customerView, openedRow, recipientView, referenceView } from './sealed-row.js';
import type { ActivityTable } from './table.js';

/** A row as an officer gets it: what can be opened is open, what cannot any more is null. @throws SealBroken */
export function activityView(row: ActivityTable, opener: Opener): ActivityView {
  const { data, source, eventId, sealed } = openedRow(row, opener);
  return {
    purpose: null,
    legalBasis: null,
    policyVersion: null,
    system: null,
    processingActivity: null,
    onBehalfOf: null,
    evidence: null,
    ...fieldsOfKind(row.type, data),
    entryId: row.entry_id,
    subjectId: row.subject_id,
    activity: row.activity as ActivityView['activity'],
    type: row.type,
    role: (data['role'] as string | undefined) ?? null,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    dataCategories: (data['dataCategories'] as string[] | undefined) ?? [],
    producer: row.producer,
    source,
    eventId,
    standing: row.standing as ActivityView['standing'],
    verdict: null,
    clauses: [],
    sealed,
  };
}

/** What an event of the type may say, under its own names. */
function fieldsOfKind(type: string, data: JsonObject): Record<string, unknown> {
  return Object.fromEntries(
    fieldsOfEvent(type).map((name) => {
      const given: JsonValue | undefined = data[name];
      switch (name) {
        // A notice to a recipient names the entry that it is about; here `entryId` is the notice's own.
        case 'entryId':
          return ['aboutEntryId', given ?? null];
        case 'evidence':
        case 'request':
          return [name, referenceView(given)];
        case 'onBehalfOf':
          return [name, customerView(given)];
        case 'recipient':
          return [name, recipientView(given)];
        default:
          return [name, given ?? null];
      }
    }),
  );
}
