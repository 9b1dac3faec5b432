import fc from 'fast-check';
import type { NaiveIdentifier, NaiveProducer } from './naive-identity.js';

/** One person of an event, by places in the lists below. */
export interface PersonStep {
  readonly identifiers: readonly { readonly which: number; readonly verified: boolean }[];
  readonly at: number;
  readonly by: number;
}

/** What happens next. Subjects are named by a number that is taken modulo how many there are. */
export type Step = { readonly through: number } & (
  | { readonly kind: 'events'; readonly people: readonly PersonStep[] }
  | { readonly kind: 'release'; readonly which: number; readonly at: number; readonly by: number }
  | { readonly kind: 'releaseFor'; readonly which: number; readonly at: number; readonly subject: number }
  | { readonly kind: 'link'; readonly subjects: readonly number[]; readonly override: boolean }
  /** `linked`: the second is one of those who are one person with the first. */
  | { readonly kind: 'separate'; readonly subjects: readonly [number, number]; readonly linked: boolean }
);

/** Two who may link, one that may not, and a second name in the realm of the first. */
export const PRODUCERS: readonly NaiveProducer[] = [
  { producer: 'shop', realm: 'shop', mayLink: true },
  { producer: 'carrier', realm: 'carrier', mayLink: true },
  { producer: 'listener', realm: 'shop', mayLink: false },
  { producer: 'shop-app', realm: 'shop', mayLink: true },
];

const DAY = 24 * 3_600_000;

/** Moments of events and releases: few, so that events fall on releases, before and behind them. The last is now. */
export const MOMENTS = Array.from({ length: 7 }, (_, i) => Date.UTC(2026, 1, 1) + i * 30 * DAY);
export const NOW = MOMENTS.at(-1)!;

/** The identifiers of one small place: phones that families share, accounts in two realms, a few of everything else. */
export function identifiersOf(run: string): NaiveIdentifier[] {
  const named = (scheme: string, realm: string | null, values: readonly number[]): NaiveIdentifier[] =>
    values.map((value) => ({ scheme, realm, value: `${run}-${value}`, verified: true }));
  return [
    ...named('phone', null, [1, 2, 3]),
    ...named('email', null, [1, 2]),
    ...named('device', 'shop', [1]),
    ...named('account', 'shop', [1, 2, 3]),
    ...named('account', 'carrier', [1, 2]),
    ...named('national_id', 'SA', [1, 2]),
  ];
}

const IDENTIFIERS = identifiersOf('').length;
const FIRST_IDENTIFYING = identifiersOf('').findIndex(({ scheme }) => scheme === 'account');

const through = fc.nat({ max: 1 });
const which = fc.nat({ max: IDENTIFIERS - 1 });
const at = fc.constantFrom(...MOMENTS);
const by = fc.nat({ max: PRODUCERS.length - 1 });
const subject = fc.nat({ max: 30 });

const identifier = fc.record({
  which: fc.oneof(which, fc.nat({ max: FIRST_IDENTIFYING - 1 })),
  verified: fc.integer({ min: 0, max: 7 }).map((n) => n > 0),
});
const person = fc.record({ identifiers: fc.array(identifier, { minLength: 1, maxLength: 4 }), at, by });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      through,
      kind: fc.constant('events' as const),
      people: fc.array(person, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ through, kind: fc.constant('release' as const), which, at, by }) },
  { weight: 1, arbitrary: fc.record({ through, kind: fc.constant('releaseFor' as const), which, at, subject }) },
  {
    weight: 3,
    arbitrary: fc.record({
      through,
      kind: fc.constant('link' as const),
      subjects: fc.uniqueArray(subject, { minLength: 2, maxLength: 3 }),
      override: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      through,
      kind: fc.constant('separate' as const),
      subjects: fc.tuple(subject, subject),
      linked: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
    }),
  },
);

/** One that may not link names each phone beside each account, now: what it meets shows who is linked, and who is not. */
const ROUND: readonly PersonStep[] = [6, 7, 8, 9, 10].flatMap((account) =>
  [0, 1, 2].map((phone) => ({
    identifiers: [account, phone].map((which) => ({ which, verified: true })),
    at: NOW,
    by: PRODUCERS.findIndex(({ mayLink }) => !mayLink),
  })),
);

/** The round, through one server and then through the other. */
export const ROUNDS: readonly Step[] = [0, 1].map((through) => ({ kind: 'events', through, people: ROUND }));

/** What happens in one small place, in the order in which the ledger hears of it. */
export const steps: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 1, maxLength: 40, size: 'max' });
