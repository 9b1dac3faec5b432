import { eventSchemas, type ObjectSchema } from './json-schema.js';
import { EVENT_CATALOGUE, PRODUCER_EVENT_TYPES, type ProducerEventType } from './producer-event.js';
import { SCHEMA_PREFIX, SEALED_FOR, VISIBILITY, WORDS, type SchemaPart } from './schema-rules.js';

/** Who holds the key of a sealed field: the data subject alone, all subjects of the event together, or the staff. */
export type SealedPart = 'subject' | 'staff' | 'shared';

/** What becomes of a field of `data` when the event becomes an entry, which is for ever. */
export type FieldPlan =
  /** Stands in clear. */
  | { readonly kind: 'open' }
  /** Only that it was given stands in clear. In an event about one subject, `shared` is that subject's. */
  | { readonly kind: 'sealed'; readonly part: SealedPart }
  /** A word of the list stands in clear; for another one `other` does, and the word is sealed with the subject's key. */
  | { readonly kind: 'word'; readonly words: readonly string[] }
  /** An object, member by member. */
  | { readonly kind: 'parts'; readonly parts: FieldPlans }
  /**
   * A recipient or customer, member by member, but for two: `id` is sealed where `kind` is `person`, and `name` is open where
   * `kind` is `organization`, `class` is `authority`, or the policy in force lists the id.
   */
  | { readonly kind: 'party'; readonly parts: FieldPlans }
  /** The data subjects: each has an entry of its own, which says the role openly and seals all else with that subject's key. */
  | { readonly kind: 'subjects' };

/** Plans by the name of the member. */
export type FieldPlans = Readonly<Record<string, FieldPlan>>;

const PARTIES = ['EventRecipient', 'EventCustomer'].map((name) => SCHEMA_PREFIX + name);

const plans: ReadonlyMap<ProducerEventType, FieldPlans> = plansByType();

/** The plan of every member that the `data` of such an event may have. It is made when the module loads: this is a look-up. */
export function planOf(type: ProducerEventType): FieldPlans {
  return plans.get(type)!;
}

function plansByType(): Map<ProducerEventType, FieldPlans> {
  const schemas = eventSchemas();
  return new Map(PRODUCER_EVENT_TYPES.map((type) => [type, plansOf(EVENT_CATALOGUE[type].dataSchema, schemas)]));
}

function plansOf(schemaName: string, schemas: Readonly<Record<string, ObjectSchema>>): FieldPlans {
  const { properties } = schemas[schemaName]!;
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => [name, planOfMember(name, property, schemas)]),
  );
}

function planOfMember(name: string, property: SchemaPart, schemas: Readonly<Record<string, ObjectSchema>>): FieldPlan {
  if (name === 'dataSubjects') return { kind: 'subjects' };
  const reference = property['$ref'] as string | undefined;
  if (reference !== undefined) {
    const kind = PARTIES.includes(reference) ? 'party' : 'parts';
    return { kind, parts: plansOf(reference.slice(SCHEMA_PREFIX.length), schemas) };
  }
  if (property[WORDS] !== undefined) return { kind: 'word', words: property[WORDS] as readonly string[] };
  if (property[VISIBILITY] === 'open') return { kind: 'open' };
  return { kind: 'sealed', part: (property[SEALED_FOR] as SealedPart | undefined) ?? 'subject' };
}
