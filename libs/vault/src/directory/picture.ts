import { holds, intervalAt, type Interval } from './interval.js';
import { isIdentifying } from './person-named.js';

/** To whom an identifier leads in one interval. */
export interface Binding extends Interval {
  readonly index: string;
  readonly subjectId: string;
  readonly scheme: string;
  readonly realm: string | null;
  readonly producer: string;
}

export interface NewBinding extends Binding {
  readonly value: string;
}

/** Two subjects that are not settled to be one person, are linked, or are kept apart. `a` sorts before `b`. */
export interface IdentityCase {
  readonly caseId: string;
  readonly a: string;
  readonly b: string;
  readonly schemes: readonly string[];
  readonly separationId: string | null;
}

export interface NewCase extends IdentityCase {
  readonly producer: string | null;
  readonly entryId: string | null;
}

export interface Edge {
  readonly edgeId: string;
  readonly a: string;
  readonly b: string;
}

/** What a change adds to the directory. Persons are merged in this order, behind the new subjects. */
export interface Additions {
  readonly subjects: string[];
  readonly bindings: NewBinding[];
  readonly edges: Edge[];
  readonly merges: { readonly from: string; readonly into: string }[];
  readonly cases: NewCase[];
  /** Cases whose separation stands no more. */
  readonly lifted: string[];
  readonly uses: { readonly index: string; readonly subjectId: string }[];
}

/** The part of the directory that a change is about. */
export interface PictureRows {
  readonly bindings: readonly Binding[];
  readonly cuts: readonly { readonly index: string; readonly at: number }[];
  /** All subjects of all persons that are touched. */
  readonly subjects: readonly { readonly subjectId: string; readonly personId: string }[];
  /** All cases in which any of these subjects is. */
  readonly cases: readonly IdentityCase[];
  readonly uses: readonly { readonly index: string; readonly subjectId: string }[];
}

/** The two ids in the one order in which a pair is kept. */
export function ordered(one: string, other: string): { a: string; b: string } {
  return one < other ? { a: one, b: other } : { a: other, b: one };
}

/**
 * The directory in memory, as far as a change is about it. Each decision of a batch is made on it and changes it, so that the next one
 * sees what came before; what was added is written at the end.
 */
export class Picture {
  readonly added: Additions = { subjects: [], bindings: [], edges: [], merges: [], cases: [], lifted: [], uses: [] };
  private readonly bindings = new Map<string, Binding[]>();
  private readonly cuts = new Map<string, number[]>();
  private readonly persons = new Map<string, string>();
  private readonly members = new Map<string, string[]>();
  private readonly identifying = new Map<string, Binding[]>();
  private readonly pairs = new Map<string, IdentityCase>();
  private readonly casesOf = new Map<string, Set<string>>();
  private readonly uses: Set<string>;

  constructor(rows: PictureRows) {
    for (const binding of rows.bindings) this.place(binding);
    for (const { index, at } of rows.cuts) push(this.cuts, index, at);
    for (const { subjectId, personId } of rows.subjects) this.join(subjectId, personId);
    for (const each of rows.cases) this.file(each);
    this.uses = new Set(rows.uses.map(({ index, subjectId }) => `${index} ${subjectId}`));
  }

  /** Whether a subject is one that the directory knows. */
  has(subjectId: string): boolean {
    return this.persons.has(subjectId);
  }

  bindingAt(index: string, at: number): Binding | undefined {
    return this.bindings.get(index)?.find((binding) => holds(binding, at));
  }

  bindingsOf(index: string): readonly Binding[] {
    return this.bindings.get(index) ?? [];
  }

  personOf(subjectId: string): string {
    return this.persons.get(subjectId)!;
  }

  areOne(one: string, other: string): boolean {
    return one === other || this.personOf(one) === this.personOf(other);
  }

  /** All subjects linked to this one, itself included. */
  linkedTo(subjectId: string): readonly string[] {
    return this.members.get(this.personOf(subjectId))!;
  }

  /** Whether a subject, with all linked to it, has another value of an identifier's scheme and realm at that moment. */
  hasOtherValue(
    subjectId: string,
    { scheme, realm, index }: Pick<Binding, 'scheme' | 'realm' | 'index'>,
    at: number,
  ): boolean {
    return this.valuesAt(subjectId, at).some(
      (value) => value.scheme === scheme && value.realm === realm && value.index !== index,
    );
  }

  /** Whether two subjects, each with all linked to it, have no identifying scheme and realm with two values at that moment. */
  couldBeOne(one: string, other: string, at: number): boolean {
    const values = new Map<string, string>();
    for (const { scheme, realm, index } of [...this.valuesAt(one, at), ...this.valuesAt(other, at)]) {
      const place = `${scheme} ${realm}`;
      if ((values.get(place) ?? index) !== index) return false;
      values.set(place, index);
    }
    return true;
  }

  caseOf(one: string, other: string): IdentityCase | undefined {
    return this.pairs.get(pairName(ordered(one, other)));
  }

  /** The cases between anybody who is linked to the one and anybody who is linked to the other. */
  casesBetween(one: string, other: string): IdentityCase[] {
    const there = this.personOf(other);
    const found: IdentityCase[] = [];
    for (const subjectId of this.linkedTo(one)) {
      for (const name of this.casesOf.get(subjectId) ?? []) {
        const each = this.pairs.get(name)!;
        if (this.persons.get(each.a === subjectId ? each.b : each.a) === there) found.push(each);
      }
    }
    return found;
  }

  /** The cases between those who are all linked to this subject. */
  casesWithin(subjectId: string): IdentityCase[] {
    return [...new Set(this.casesBetween(subjectId, subjectId))];
  }

  /** Whether anybody on the one side was separated from anybody on the other. */
  areKeptApart(one: string, other: string): boolean {
    return this.casesBetween(one, other).some(({ separationId }) => separationId !== null);
  }

  addSubject(subjectId: string): void {
    this.added.subjects.push(subjectId);
    this.join(subjectId, subjectId);
  }

  /** Binds an identifier that leads to nobody at that moment, for the whole interval in which the moment lies. */
  bind(identifier: Omit<NewBinding, 'since' | 'until'>, at: number): void {
    const binding = { ...identifier, ...intervalAt(this.cuts.get(identifier.index) ?? [], at) };
    this.added.bindings.push(binding);
    this.place(binding);
  }

  /** Makes two subjects one person. @returns the cases between the two sides, which are closed by it */
  link(edgeId: string, one: string, other: string): IdentityCase[] {
    this.added.edges.push({ edgeId, ...ordered(one, other) });
    if (this.areOne(one, other)) return [];
    const closed = this.casesBetween(one, other);
    for (const each of closed) {
      if (each.separationId === null) continue;
      this.added.lifted.push(each.caseId);
      this.file({ ...each, separationId: null });
    }
    const [small, large] = [this.personOf(one), this.personOf(other)].sort(
      (left, right) => this.members.get(left)!.length - this.members.get(right)!.length,
    ) as [string, string];
    this.added.merges.push({ from: small, into: large });
    const moving = this.members.get(small)!;
    this.members.delete(small);
    for (const subjectId of moving) this.join(subjectId, large);
    return closed;
  }

  addCase(made: NewCase): void {
    this.added.cases.push(made);
    this.file(made);
  }

  /** Notes that somebody was named with an identifier that leads to somebody else. */
  addUse(index: string, subjectId: string): void {
    const name = `${index} ${subjectId}`;
    if (this.uses.has(name)) return;
    this.uses.add(name);
    this.added.uses.push({ index, subjectId });
  }

  private valuesAt(subjectId: string, at: number): Binding[] {
    return this.linkedTo(subjectId).flatMap((member) =>
      (this.identifying.get(member) ?? []).filter((binding) => holds(binding, at)),
    );
  }

  private place(binding: Binding): void {
    push(this.bindings, binding.index, binding);
    if (isIdentifying(binding.scheme)) push(this.identifying, binding.subjectId, binding);
  }

  private join(subjectId: string, personId: string): void {
    this.persons.set(subjectId, personId);
    push(this.members, personId, subjectId);
  }

  private file(each: IdentityCase): void {
    const name = pairName(each);
    this.pairs.set(name, each);
    for (const subjectId of [each.a, each.b]) {
      const of = this.casesOf.get(subjectId);
      if (of === undefined) this.casesOf.set(subjectId, new Set([name]));
      else of.add(name);
    }
  }
}

function pairName({ a, b }: { readonly a: string; readonly b: string }): string {
  return `${a} ${b}`;
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const there = map.get(key);
  if (there === undefined) map.set(key, [value]);
  else there.push(value);
}
