import fc from 'fast-check';
import { FormatInvalid } from '../primitives/bytes.js';
import { ProofInvalid } from '../tree/proofs.js';
import {
  assertOnePerson,
  CONFLICTING,
  LINKED,
  openConflicts,
  SEPARATED,
  type ChainEntry,
  type SubjectChain,
} from './linked-subjects.js';

let at = 0n;
const decided = (type: string, data: object): ChainEntry => ({
  index: at++,
  entry: { id: `entry-${at}`, type, lane: 'ledger-vault', revision: 0, data: { ...data }, metadata: {} },
});
const linked = (...edges: string[]): ChainEntry => decided(LINKED, { edges });
const separated = (...edges: string[]): ChainEntry => decided(SEPARATED, { edges });
const chain = (subject: string, ...entries: ChainEntry[]): SubjectChain => ({ subject, entries });

describe('one person', () => {
  it('is a subject that nobody is linked to, or no more', () => {
    assertOnePerson([chain('a')]);
    assertOnePerson([chain('a', linked('x', 'y'), separated('x'), separated('y'), separated())]);
    assertOnePerson([chain('a', decided('sijill.data.used.v1', { edges: ['x'] }))]);
  });

  it('is all whom the first reaches, whichever way, and in a ring too', () => {
    assertOnePerson([chain('a', linked('x')), chain('b', linked('x', 'y')), chain('c', linked('y'))]);
    assertOnePerson([chain('c', linked('y', 'z')), chain('a', linked('x', 'z')), chain('b', linked('x'), linked('y'))]);
    // Linked again by another edge.
    assertOnePerson([
      chain('a', linked('x'), separated('x'), linked('y')),
      chain('b', linked('x', 'y'), separated('x')),
    ]);
  });

  const REFUSED: Record<string, [chains: SubjectChain[], says: string]> = {
    'one is missing': [[chain('a', linked('x'))], 'a subject is missing that is linked to a'],
    'one behind another is missing': [
      [chain('a', linked('x')), chain('b', linked('x', 'y'))],
      'a subject is missing that is linked to b',
    ],
    'the link stands at one end only': [
      [chain('a', linked('x')), chain('b', linked('x'), separated('x'))],
      'a subject is missing that is linked to a',
    ],
    'one was separated': [
      [chain('a', linked('x'), separated('x')), chain('b', linked('x'), separated('x'))],
      'the subject b is not linked to the first',
    ],
    'two pairs are not one': [
      [chain('a', linked('x')), chain('b', linked('x')), chain('c', linked('y')), chain('d', linked('y'))],
      'the subject c is not linked to the first',
    ],
    'a link leads to two': [
      [chain('a', linked('x')), chain('b', linked('x')), chain('c', linked('x'))],
      'a link of a leads to two subjects',
    ],
  };
  it.each(Object.entries(REFUSED))('is not there where %s', (_, [chains, says]) => {
    expect(() => assertOnePerson(chains)).toThrow(ProofInvalid);
    expect(() => assertOnePerson(chains)).toThrow(says);
  });

  it('cannot be told from an entry that does not say which links it is about', () => {
    for (const edges of ['x', [1], {}, [null]])
      for (const type of [LINKED, SEPARATED])
        expect(() => assertOnePerson([chain('a', decided(type, { edges }))])).toThrow(FormatInvalid);
    // What is withheld says nothing.
    assertOnePerson([chain('a', { index: 0n, entry: 'withheld' })]);
  });

  it('is what links and separations in any order leave, and any one of it left out or put in is seen', () => {
    const subjects = [...'abcdef'];
    const pair = fc.tuple(fc.nat(5), fc.nat(5)).filter(([a, b]) => a !== b);
    fc.assert(
      fc.property(fc.array(fc.record({ pair, links: fc.boolean() }), { maxLength: 25 }), (changes) => {
        const entries = new Map<string, ChainEntry[]>(subjects.map((subject) => [subject, []]));
        const edges = new Map<string, string>();
        changes.forEach(({ pair: [a, b], links }, i) => {
          const ends = [subjects[a]!, subjects[b]!].sort();
          const known = edges.get(ends.join());
          if (links === (known !== undefined)) return;
          const edge = known ?? `edge-${i}`;
          if (links) edges.set(ends.join(), edge);
          else edges.delete(ends.join());
          for (const end of ends) entries.get(end)!.push(links ? linked(edge) : separated(edge));
        });
        // The naive way: whoever is reached from the first, one step after the other.
        const person = ['a'];
        for (let grown = true; grown;) {
          grown = false;
          for (const ends of [...edges.keys()].map((key) => key.split(',')))
            for (const [one, other] of [ends, ends.toReversed()] as [string, string][])
              if (person.includes(one) && !person.includes(other)) grown = person.push(other) > 0;
        }
        const chains = (of: readonly string[]): SubjectChain[] =>
          of.map((subject) => ({ subject, entries: entries.get(subject)! }));
        assertOnePerson(chains(person));
        for (const left of person.slice(1))
          expect(() => assertOnePerson(chains(person.filter((each) => each !== left)))).toThrow(ProofInvalid);
        for (const stranger of subjects.filter((each) => !person.includes(each)))
          expect(() => assertOnePerson(chains([...person, stranger]))).toThrow(ProofInvalid);
      }),
      { numRuns: 300 },
    );
  });
});

describe('open conflicts', () => {
  const conflict = (name: unknown): ChainEntry => decided(CONFLICTING, { case: name });
  const openIn = (...entries: ChainEntry[]): number => openConflicts(entries).length;

  it('are those that no later link or separation closes, each once', () => {
    expect(openIn()).toBe(0);
    expect(openIn(conflict('c'), conflict('d'), conflict('c'))).toBe(2);
    expect(openIn(conflict('c'), decided(LINKED, { edges: ['x'], closes: ['c'] }))).toBe(0);
    expect(openIn(conflict('c'), decided(SEPARATED, { edges: [], closes: ['b', 'c'] }))).toBe(0);
    expect(openIn(conflict('c'), linked('x'), separated('x'))).toBe(1);
    expect(openIn(decided(LINKED, { edges: [], closes: ['c'] }), conflict('c'))).toBe(1);
    expect(openIn({ index: 1n, entry: 'withheld' })).toBe(0);
  });

  it('are told by where they were opened', () => {
    const [first, second] = [conflict('c'), conflict('c')];
    expect(openConflicts([first, second])).toEqual([first.index]);
  });

  it('cannot be told from an entry that does not say which it is about', () => {
    for (const name of [undefined, null, 1, ['c']]) expect(() => openIn(conflict(name))).toThrow(FormatInvalid);
    expect(() => openIn(decided(LINKED, { closes: 'c' }))).toThrow(FormatInvalid);
  });
});
