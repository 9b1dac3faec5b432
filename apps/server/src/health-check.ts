import { within } from '@sijill/platform';

/** How one part of a server is, as health answers show it. `starting`: it has not said yet. */
export interface Check {
  readonly status: 'up' | 'down' | 'starting';
  readonly detail?: string | null;
}

/** What an answer waits for at most: whoever asks for the health wants one within a second. */
const PATIENCE_MS = 700;
/** A question that nobody has answered for so long is given up, and asked anew: what it was asked over may be gone. */
const GIVEN_UP_MS = 10_000;

/**
 * Asks a dependency how it is, with a time limit of its own. Those who come while it is being asked share the question, so that a
 * dependency that hangs has one to answer and not one from each caller.
 */
export class DependencyCheck {
  private asked: { readonly at: number; readonly answer: Promise<Check> } | null = null;
  private answeredAt: number | null = null;

  /** @param ask any question that only a dependency that works can answer; its own failure is the cause that is told */
  constructor(private readonly ask: () => Promise<unknown>) {}

  /** How it is; `down` when it does not say so in time. */
  async now(): Promise<Check> {
    if (this.asked === null || Date.now() - this.asked.at > GIVEN_UP_MS) this.asked = this.question();
    const { at, answer } = this.asked;
    return within(Math.max(0, at + PATIENCE_MS - Date.now()), answer, () => this.late(Date.now() - at));
  }

  private question(): NonNullable<DependencyCheck['asked']> {
    const answer = Promise.resolve()
      .then(this.ask)
      .then(
        (): Check => {
          this.answeredAt = Date.now();
          return { status: 'up' };
        },
        (error: unknown): Check => ({ status: 'down', detail: causeOf(error) }),
      )
      .finally(() => {
        if (this.asked?.answer === answer) this.asked = null;
      });
    return { at: Date.now(), answer };
  }

  private late(ms: number): Check {
    const last =
      this.answeredAt === null
        ? 'there was none before'
        : `the last was ${Math.round((Date.now() - this.answeredAt) / 1000)} s ago`;
    return { status: 'down', detail: `no answer in ${ms} ms; ${last}` };
  }
}

/** Our own errors say what is the matter. Those of drivers quote values: of them the kind is told, and the code. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  const { code } = error as { code?: unknown };
  if (SPEAKING.has(error.name)) return `${error.name}: ${error.message.trim()}`;
  return typeof code === 'string' ? `${error.name} (${code})` : error.name;
}

const SPEAKING = new Set([
  'StoreUnavailable',
  'StoreNotOurs',
  'StoreFull',
  'StoreRefused',
  'OutcomeUnknown',
  'DatabaseUnavailable',
  'FileReplaced',
  'PartBehind',
  'PartOfAnother',
  'PositionNotFound',
  'EntriesHidden',
  'LaneGap',
  'KeyringUnusable',
  'SignerFailed',
]);
