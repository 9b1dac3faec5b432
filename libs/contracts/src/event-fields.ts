import { eventSchemas } from './json-schema.js';
import { EVENT_CATALOGUE, isProducerEventType, PRODUCER_EVENT_TYPES } from './producer-event.js';

/** What of an event's data is sealed, or told otherwise, and so is no field of an answer. */
const NOT_SHOWN = new Set(['dataSubjects', 'actor', 'approvedBy', 'details']);

const fields: ReadonlyMap<string, readonly string[]> = fieldsByType();

/** The fields of `data` that events of a type may have and answers show: what was not given is null there. */
export function fieldsOfEvent(type: string): readonly string[] {
  return isProducerEventType(type) ? (fields.get(type) ?? []) : [];
}

function fieldsByType(): Map<string, readonly string[]> {
  const schemas = eventSchemas();
  return new Map(
    PRODUCER_EVENT_TYPES.map((type) => {
      const { properties } = schemas[EVENT_CATALOGUE[type].dataSchema]!;
      return [type, Object.keys(properties).filter((name) => !NOT_SHOWN.has(name))];
    }),
  );
}
