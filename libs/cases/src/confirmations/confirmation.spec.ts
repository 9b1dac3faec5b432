import {
  assertAnswerable,
  assertFetchable,
  ConfirmationRefused,
  OPEN_MS,
  RESULT_MS,
  statusOf,
  type AnswerKind,
  type Confirmation,
} from './confirmation.js';

const NOON = Date.parse('2026-07-01T12:00:00.000Z');
const asked: Confirmation = {
  confirmationId: '4f1f0b6e-7f1c-4a3e-9a53-6a6f1c0d7b11',
  what: 'unseal',
  about: { subjectIds: [], entryId: 'e' },
  askedBy: 'huda',
  askedAt: NOON,
  expiresAt: NOON + OPEN_MS,
  answer: null,
  fetchedAt: null,
};
const answered = (kind: AnswerKind, at = NOON + 1): Confirmation => ({
  ...asked,
  answer: { kind, by: 'noura', at, outcome: null },
});
const codeOf = (work: () => void): string | null => {
  try {
    work();
    return null;
  } catch (error) {
    if (!(error instanceof ConfirmationRefused)) throw error;
    return error.code;
  }
};
const answering = (given: Confirmation, kind: AnswerKind, who: string, now = NOON + 2): string | null =>
  codeOf(() => assertAnswerable(given, kind, who, now));
const fetching = (given: Confirmation, who: string, now = NOON + 2): string | null =>
  codeOf(() => assertFetchable(given, who, now));

describe('a confirmation', () => {
  it('is open for seven days, and by time alone over then', () => {
    expect(statusOf(asked, NOON)).toBe('open');
    expect(statusOf(asked, NOON + OPEN_MS - 1)).toBe('open');
    expect(statusOf(asked, NOON + OPEN_MS)).toBe('expired');
    expect(statusOf(answered('given'), NOON + 2 * OPEN_MS)).toBe('confirmed');
    expect(statusOf(answered('declined'), NOON + 2 * OPEN_MS)).toBe('declined');
    expect([OPEN_MS, RESULT_MS]).toEqual([604_800_000, 86_400_000]);
  });

  it('is given by somebody else than asked, and declined by anybody', () => {
    expect(answering(asked, 'given', 'noura')).toBeNull();
    expect(answering(asked, 'given', 'huda')).toBe('own_request');
    expect(answering(asked, 'declined', 'noura')).toBeNull();
    expect(answering(asked, 'declined', 'huda')).toBeNull();
  });

  it('is answered once, and not after its time', () => {
    for (const kind of ['given', 'declined'] as const) {
      expect(answering(answered('given'), kind, 'salma')).toBe('answered');
      expect(answering(answered('declined'), kind, 'salma')).toBe('answered');
      expect(answering(asked, kind, 'noura', NOON + OPEN_MS)).toBe('expired');
      expect(answering(asked, kind, 'noura', NOON + OPEN_MS - 1)).toBeNull();
    }
    // Whoever asked hears that first, whatever became of it.
    expect(answering(answered('given'), 'given', 'huda')).toBe('own_request');
    expect(answering(asked, 'given', 'huda', NOON + OPEN_MS)).toBe('own_request');
  });

  it('gives its result to whoever asked, once it is given, within a day and once', () => {
    expect(fetching(asked, 'huda')).toBe('not_confirmed');
    expect(fetching(asked, 'huda', NOON + OPEN_MS)).toBe('not_given');
    expect(fetching(answered('declined'), 'huda')).toBe('not_given');
    expect(fetching(answered('given'), 'huda')).toBeNull();
    expect(fetching(answered('given'), 'huda', NOON + RESULT_MS)).toBeNull();
    expect(fetching(answered('given'), 'huda', NOON + 1 + RESULT_MS)).toBe('too_late');
    expect(fetching({ ...answered('given'), fetchedAt: NOON + 2 }, 'huda')).toBe('fetched');
    for (const state of [asked, answered('given'), answered('declined'), { ...answered('given'), fetchedAt: NOON }])
      for (const who of ['noura', 'salma']) expect(fetching(state, who)).toBe('not_yours');
    // Confirmed in the last moment, it can still be fetched for a day.
    const late = answered('given', NOON + OPEN_MS - 1);
    expect(fetching(late, 'huda', NOON + OPEN_MS + RESULT_MS - 2)).toBeNull();
  });
});
