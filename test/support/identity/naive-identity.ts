/**
 * Who is who, written down as the rules say it and with no thought of speed: lists of what was said, and every question answered from
 * them anew. Specs hold the directory against it; nothing here is shared with it.
 */

export interface NaiveIdentifier {
  readonly scheme: string;
  readonly realm: string | null;
  readonly value: string;
  readonly verified: boolean;
}

export interface NaiveProducer {
  readonly producer: string;
  readonly realm: string;
  readonly mayLink: boolean;
}

export type NaiveStatus = 'open' | 'linked' | 'apart';

/** That a subject was given an identifier, when it had no owner between these two releases. */
interface Claim {
  readonly name: string;
  readonly of: NaiveIdentifier;
  readonly from: number;
  readonly to: number;
  readonly subject: number;
  readonly producer: string;
}

type Pair = readonly [number, number];

const IDENTIFYING = ['account', 'national_id'];

export class NaiveIdentity {
  subjects = 0;
  readonly cases: Pair[] = [];
  edges: Pair[] = [];
  /** Grows with everything that is written, but for who was named with what. */
  changes = 0;
  private readonly claims: Claim[] = [];
  private readonly releases: { readonly name: string; readonly at: number }[] = [];
  private separations: Pair[] = [];

  /** @returns the subject, and the cases that the event met */
  resolve(listed: readonly NaiveIdentifier[], at: number, by: NaiveProducer): { subject: number; cases: number[] } {
    const looked = this.looked(listed);
    const identifying = looked.filter(({ scheme }) => IDENTIFYING.includes(scheme));
    const contacts = looked.filter(({ scheme }) => !IDENTIFYING.includes(scheme));

    // Whose.
    const known = identifying.find((each) => this.owner(each, at) !== null);
    let subject: number;
    if (known !== undefined) subject = this.owner(known, at)!;
    else {
      const contact = contacts.find((each) => {
        const owner = this.owner(each, at);
        return owner !== null && identifying.every((value) => !this.contradicts(value, owner, at));
      });
      if (contact !== undefined) subject = this.owner(contact, at)!;
      else {
        subject = this.newSubject();
        this.claim(identifying[0] ?? contacts[0]!, at, subject, by);
      }
    }

    // Binding.
    if (by.mayLink)
      for (const each of looked)
        if (this.owner(each, at) === null)
          this.claim(each, at, this.contradicts(each, subject, at) ? this.newSubject() : subject, by);

    // Linking.
    const cases: number[] = [];
    for (const each of looked) {
      const other = this.owner(each, at);
      if (other === null || this.person(subject).includes(other)) continue;
      if (
        identifying.length > 0 &&
        by.mayLink &&
        !this.contradictory([...this.person(subject), ...this.person(other)], at) &&
        !this.keptApart(subject, other)
      )
        this.tie(subject, other);
      else cases.push(this.caseOf(subject, other) ?? this.newCase(subject, other));
    }
    return { subject, cases: [...new Set(cases)] };
  }

  /** @returns the subject whose entry the release is; null when it is refused */
  release(what: NaiveIdentifier, at: number, by: NaiveProducer): { subject: number; ended: boolean } | null {
    const owner = this.claimBefore(what, at);
    const isOfOwnRealm = what.scheme !== 'national_id' && what.realm === by.realm;
    if (!by.mayLink || !(isOfOwnRealm || owner?.producer === by.producer)) return null;
    const isNew = this.cut(what, at);
    if (owner !== undefined) return { subject: owner.subject, ended: isNew };
    const subject = this.newSubject();
    const from = Math.max(-Infinity, ...this.cutsOf(what).filter((cut) => cut < at));
    this.claims.push({ name: nameOf(what), of: what, from, to: at, subject, producer: by.producer });
    return { subject, ended: false };
  }

  /** By an officer. @returns `nobody` when the identifier does not lead to that person then */
  releaseFor(subject: number, what: NaiveIdentifier, at: number): 'nobody' | 'already' | number {
    const owner = this.owner(what, at);
    if (owner === null || !this.person(subject).includes(owner)) return 'nobody';
    return this.cut(what, at) ? owner : 'already';
  }

  link(subjects: readonly number[], override: boolean, now: number): string {
    const [first, ...others] = subjects as [number, ...number[]];
    const missing = others.filter((other) => !this.edges.some((edge) => isPair(edge, first, other)));
    if (missing.length === 0) return 'already';
    const before = { edges: this.edges, separations: this.separations, changes: this.changes };
    for (const other of missing) {
      const isLinked = this.person(first).includes(other);
      const refusal =
        !isLinked && this.contradictory([...this.person(first), ...this.person(other)], now)
          ? 'contradicting_identifiers'
          : !isLinked && !override && this.keptApart(first, other)
            ? 'kept_apart'
            : null;
      if (refusal !== null) {
        Object.assign(this, before);
        return refusal;
      }
      this.tie(first, other);
    }
    return 'done';
  }

  /** @returns `done`, or why not; with `linked_through` the number of subjects on the shortest way */
  separate(one: number, other: number): { readonly code: string; readonly between: number } {
    if (this.separations.some((pair) => isPair(pair, one, other))) return { code: 'already', between: 0 };
    const left = this.edges.filter((edge) => !isPair(edge, one, other));
    const steps = distance(left, one, other);
    if (steps !== null) return { code: 'linked_through', between: steps - 1 };
    this.edges = left;
    this.separations = [...this.separations, [one, other]];
    if (this.caseOf(one, other) === null) this.cases.push([one, other]);
    this.changes += 1;
    return { code: 'done', between: 0 };
  }

  /** All subjects that are one person with this one. */
  person(subject: number): number[] {
    return Array.from({ length: this.subjects }, (_, other) => other).filter(
      (other) => distance(this.edges, subject, other) !== null,
    );
  }

  status([one, other]: Pair): NaiveStatus {
    if (this.person(one).includes(other)) return 'linked';
    return this.separations.some((pair) => isPair(pair, one, other)) ? 'apart' : 'open';
  }

  openConflicts(subject: number): number {
    const person = this.person(subject);
    return this.cases.filter((pair) => this.status(pair) === 'open' && pair.some((side) => person.includes(side)))
      .length;
  }

  /** Whom an identifier leads to at a moment, until when; null for nobody. */
  leadsTo(what: NaiveIdentifier, at: number): { subject: number; until: number } | null {
    const claim = this.claimAt(what, at);
    if (claim === undefined) return null;
    const end = Math.min(claim.to, ...this.cutsOf(what).filter((cut) => cut > at));
    return { subject: claim.subject, until: end };
  }

  private looked(listed: readonly NaiveIdentifier[]): NaiveIdentifier[] {
    const counting = listed.filter(({ scheme, verified }) => verified || IDENTIFYING.includes(scheme));
    const looked = counting.length > 0 ? counting : [listed[0]!];
    return looked.filter((each, i) => looked.findIndex((other) => nameOf(other) === nameOf(each)) === i);
  }

  private owner(what: NaiveIdentifier, at: number): number | null {
    return this.claimAt(what, at)?.subject ?? null;
  }

  /** A claim reaches from its beginning to the next release, whenever that became known. */
  private claimAt(what: NaiveIdentifier, at: number): Claim | undefined {
    return this.claims.find(
      ({ name, from, to }) =>
        name === nameOf(what) && from <= at && at < to && !this.cutsOf(what).some((cut) => from < cut && cut <= at),
    );
  }

  /** Whoever has it in the interval that ends, or would end, at this moment. */
  private claimBefore(what: NaiveIdentifier, at: number): Claim | undefined {
    return this.claimAt(what, at - 1e-3);
  }

  private claim(what: NaiveIdentifier, at: number, subject: number, by: NaiveProducer): void {
    const cuts = this.cutsOf(what);
    const from = Math.max(-Infinity, ...cuts.filter((cut) => cut <= at));
    const to = Math.min(Infinity, ...cuts.filter((cut) => cut > at));
    this.claims.push({ name: nameOf(what), of: what, from, to, subject, producer: by.producer });
    this.changes += 1;
  }

  private cutsOf(what: NaiveIdentifier): number[] {
    return this.releases.filter(({ name }) => name === nameOf(what)).map(({ at }) => at);
  }

  private cut(what: NaiveIdentifier, at: number): boolean {
    if (this.cutsOf(what).includes(at)) return false;
    this.releases.push({ name: nameOf(what), at });
    this.changes += 1;
    return true;
  }

  /** What a subject, with all linked to it, is known by at that moment. */
  private values(subject: number, at: number): NaiveIdentifier[] {
    const person = this.person(subject);
    return this.claims
      .filter((claim) => person.includes(claim.subject) && IDENTIFYING.includes(claim.of.scheme))
      .filter((claim) => this.claimAt(claim.of, at) === claim)
      .map(({ of }) => of);
  }

  private contradicts(what: NaiveIdentifier, subject: number, at: number): boolean {
    return this.values(subject, at).some((value) => areTwoOfOneKind(value, what) && IDENTIFYING.includes(what.scheme));
  }

  private contradictory(subjects: readonly number[], at: number): boolean {
    const values = subjects.flatMap((subject) => this.values(subject, at));
    return values.some((value) => values.some((other) => areTwoOfOneKind(value, other)));
  }

  private keptApart(one: number, other: number): boolean {
    const [here, there] = [this.person(one), this.person(other)];
    return this.separations.some(
      ([a, b]) => (here.includes(a) && there.includes(b)) || (here.includes(b) && there.includes(a)),
    );
  }

  private tie(one: number, other: number): void {
    // Only with an officer's override is there a separation between the two; it stands no more.
    const [here, there] = [this.person(one), this.person(other)];
    if (!here.includes(other))
      this.separations = this.separations.filter(
        ([a, b]) => !((here.includes(a) && there.includes(b)) || (here.includes(b) && there.includes(a))),
      );
    this.edges = [...this.edges, [one, other]];
    this.changes += 1;
  }

  private newSubject(): number {
    this.changes += 1;
    return this.subjects++;
  }

  private caseOf(one: number, other: number): number | null {
    const place = this.cases.findIndex((pair) => isPair(pair, one, other));
    return place === -1 ? null : place;
  }

  private newCase(one: number, other: number): number {
    this.changes += 1;
    return this.cases.push([one, other]) - 1;
  }
}

function nameOf({ scheme, realm, value }: NaiveIdentifier): string {
  return JSON.stringify([scheme, realm, value]);
}

function areTwoOfOneKind(one: NaiveIdentifier, other: NaiveIdentifier): boolean {
  return one.scheme === other.scheme && one.realm === other.realm && one.value !== other.value;
}

function isPair([a, b]: Pair, one: number, other: number): boolean {
  return (a === one && b === other) || (a === other && b === one);
}

/** How many edges lie between two at least; null where no way leads from one to the other. */
function distance(edges: readonly Pair[], from: number, to: number): number | null {
  let reached = [from];
  for (let steps = 0; ; steps++) {
    if (reached.includes(to)) return steps;
    const further = edges.flatMap(([a, b]) => (reached.includes(a) ? [b] : reached.includes(b) ? [a] : []));
    const next = [...new Set([...reached, ...further])];
    if (next.length === reached.length) return null;
    reached = next;
  }
}
