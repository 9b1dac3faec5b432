import { planOf, type FieldPlan, type FieldPlans, type ProducerEvent } from '@sijill/contracts';
import { canonicalJson } from '@sijill/transparency';

/** A member of an object: its name, and its value as canonical JSON. */
export type Member = readonly [name: string, text: string];

/** One data subject of an event, as canonical JSON: what of it is sealed with its own key, and the role, which is open. */
export interface SplitSubject {
  readonly identifiers: string;
  readonly role: string | null;
  readonly details: string | null;
}

/**
 * An event's `data`, taken apart into what may stand in the clear for ever and what may not. All texts are canonical JSON (RFC 8785),
 * and each member was made so once, however many texts it is part of.
 */
export interface SplitEvent {
  /** `{data, time, type}` of the event as it was given: what tells a repeat from an event with other content. */
  readonly whole: string;
  /** In order. */
  readonly open: readonly Member[];
  /** Paths of the sealed fields that were given, in order, as a JSON list; null where there are none. */
  readonly has: string | null;
  /** Sealed with the subject's key, by their paths, as a JSON object; null where there are none. */
  readonly fields: string | null;
  /** Sealed with the key of the staff. */
  readonly staff: string | null;
  readonly details: string | null;
  readonly subjects: readonly SplitSubject[];
}

export interface SplitContext {
  /** Whether the policy file lists a recipient or customer, whose name is then no secret. */
  readonly isListed: (partyId: string) => boolean;
  /** What stands openly for the id of a recipient or customer that is a person. */
  readonly opaqueId: (id: string) => string;
}

interface PartyGiven {
  readonly id?: string;
  readonly kind?: string;
  readonly class?: string;
}

/** Takes an event apart as the schema of its type declares each field. */
export function splitEvent(event: ProducerEvent, context: SplitContext): SplitEvent {
  const sealed = new Sealed(context);
  const { whole, open } = sealed.take(event.data as unknown as Json, planOf(event.type), '');
  return {
    whole: `{"data":${objectOf(whole)},"time":${canonicalJson(event.time)},"type":${canonicalJson(event.type)}}`,
    open,
    has: sealed.has.length === 0 ? null : canonicalJson(sealed.has.sort()),
    fields: sealed.fields.length === 0 ? null : objectOf(sealed.fields),
    staff: sealed.staff.length === 0 ? null : objectOf(sealed.staff),
    details: sealed.details,
    subjects: sealed.subjects,
  };
}

/** An object of some members. @param members in order */
export function objectOf(members: readonly Member[]): string {
  let text = '{';
  for (const [name, value] of members) text += `${text.length === 1 ? '' : ','}"${name}":${value}`;
  return `${text}}`;
}

type Json = Readonly<Record<string, unknown>>;

const OTHER = '"other"';
const SEALED: FieldPlan = { kind: 'sealed', part: 'subject' };

/** What is sealed of one event, as it is met. Names of fields are letters only, so that members in order have their paths in order. */
class Sealed {
  readonly has: string[] = [];
  readonly fields: Member[] = [];
  readonly staff: Member[] = [];
  details: string | null = null;
  readonly subjects: SplitSubject[] = [];

  constructor(private readonly context: SplitContext) {}

  take(
    object: Json,
    plans: FieldPlans,
    prefix: string,
    party: PartyGiven | null = null,
  ): { whole: Member[]; open: Member[] } {
    const whole: Member[] = [];
    const open: Member[] = [];
    for (const name of inOrder(object)) {
      const value = object[name];
      if (value === undefined) continue;
      const path = prefix + name;
      // A field without a plan is sealed, whatever forgot it.
      const plan = plans[name] ?? SEALED;
      if (plan.kind === 'parts' || plan.kind === 'party') {
        const given = plan.kind === 'party' ? (value as PartyGiven) : null;
        const inner = this.take(value as Json, plan.parts, `${path}.`, given);
        whole.push([name, objectOf(inner.whole)]);
        if (inner.open.length > 0) open.push([name, objectOf(inner.open)]);
      } else if (plan.kind === 'subjects') {
        const texts = (value as readonly Json[]).map((subject) => this.subject(subject));
        whole.push([name, `[${texts.join(',')}]`]);
      } else {
        const text = canonicalJson(value);
        whole.push([name, text]);
        const shown = this.shown(plan, name, path, value, text, party);
        if (shown !== null) open.push([name, shown]);
      }
    }
    return { whole, open };
  }

  /** What stands openly of a field; null where nothing does. */
  private shown(
    plan: FieldPlan,
    name: string,
    path: string,
    value: unknown,
    text: string,
    party: PartyGiven | null,
  ): string | null {
    if (party !== null && name === 'id' && party.kind === 'person')
      return this.seal(path, text, canonicalJson(this.context.opaqueId(value as string)));
    if (party !== null && name === 'name') return this.isNoSecret(party) ? text : this.seal(path, text, null);
    if (plan.kind === 'open') return text;
    if (plan.kind === 'word') return plan.words.includes(value as string) ? text : this.seal(path, text, OTHER);
    this.has.push(path);
    if (plan.kind === 'sealed' && plan.part === 'staff') this.staff.push([name, text]);
    else if (plan.kind === 'sealed' && plan.part === 'shared') this.details = text;
    else this.fields.push([path, text]);
    return null;
  }

  private seal(path: string, text: string, shown: string | null): string | null {
    this.has.push(path);
    this.fields.push([path, text]);
    return shown;
  }

  private isNoSecret({ id, kind, class: of }: PartyGiven): boolean {
    if (kind === 'person') return false;
    return kind === 'organization' || of === 'authority' || (id !== undefined && this.context.isListed(id));
  }

  /** Returns the subject as it was given. */
  private subject(subject: Json): string {
    const members = inOrder(subject).flatMap((name): Member[] =>
      subject[name] === undefined ? [] : [[name, canonicalJson(subject[name])]],
    );
    const of = (name: string): string | null => members.find(([given]) => given === name)?.[1] ?? null;
    this.subjects.push({ identifiers: of('identifiers')!, role: of('role'), details: of('details') });
    return objectOf(members);
  }
}

/** Names of our own fields are letters only: their order is the same everywhere. */
function inOrder(object: Json): string[] {
  const names = Object.keys(object);
  for (let i = 1; i < names.length; i++) if (names[i - 1]! > names[i]!) return names.sort();
  return names;
}
