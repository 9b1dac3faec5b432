import type { RequestListener, ServerResponse } from 'node:http';
import type { OpeningPart } from '@sijill/ledger';
import { SignerFailed } from '@sijill/notary';
import { backOff, rest, type Logger } from '@sijill/platform';
import { OutcomeUnknown, StoreUnavailable } from '@sijill/event-store';
import { isAway } from './away.js';
import { causeOf, type Check } from './health-check.js';
import { Problem, PROBLEM_TYPE, problemBody } from './http/problem.js';

const PAUSES_MS = { first: 250, longest: 2_000 };
/** A part that has not answered for so long is told to hang: in health answers, and in the log. */
const SILENT_MS = { health: 500, log: 5_000 };
/** So long the log says nothing of a cause that stays the same. */
const SAID_EVERY_MS = 60_000;
const RETRY_AFTER_SECONDS = 5;

interface Cause {
  readonly part: OpeningPart;
  readonly detail: string;
}

/** A server that is not there yet because something that it needs is not: it waits, says for what, and goes on by itself. */
export class Starting {
  private readonly answering = new Set<OpeningPart>();
  private asked: { readonly part: OpeningPart; readonly at: number } | null = null;
  private cause: Cause | null = null;
  private said: { readonly text: string; readonly at: number } | null = null;
  private listening: NodeJS.Timeout | null = null;

  constructor(private readonly logger: Logger) {}

  /**
   * Does the work as soon as what it needs is there: again and again while that is away.
   *
   * @returns null when the signal came first
   * @throws what waiting cannot mend
   */
  async whenThere<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
    this.listening = setInterval(() => this.noteSilence(), SILENT_MS.log).unref();
    try {
      for (let failures = 0; !signal.aborted; failures++) {
        try {
          const result = await work();
          this.opened();
          if (this.said !== null) this.logger.info('what the server waited for is there; it goes on');
          return result;
        } catch (error) {
          if (signal.aborted) return null;
          if (!isAway(error)) throw error;
          this.note(error);
        }
        await rest(backOff(failures, PAUSES_MS), signal);
      }
      return null;
    } finally {
      clearInterval(this.listening);
    }
  }

  /** Notes which part is asked now: the one before it has answered. */
  opening(part: OpeningPart): void {
    if (this.asked?.part === part) return;
    this.opened();
    this.asked = { part, at: Date.now() };
  }

  /** What is known of each part, in the form of the answers of a server that is there. */
  get checks(): Record<string, Check> {
    const checks: Record<string, Check> = {};
    for (const part of this.answering) checks[part] = { status: 'up' };
    if (this.asked !== null) {
      const ms = Date.now() - this.asked.at;
      checks[this.asked.part] =
        ms < SILENT_MS.health
          ? { status: 'starting', detail: 'it is being opened' }
          : { status: 'down', detail: `no answer in ${ms} ms` };
    }
    if (this.cause !== null) checks[this.cause.part] = { status: 'down', detail: this.cause.detail };
    if (this.asked === null && this.cause === null) checks['server'] = { status: 'starting', detail: null };
    return checks;
  }

  /** Answers while the routes are not there. */
  readonly answer: RequestListener = (request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method === 'GET' && path === '/health/live') send(response, 200, { status: 'up', pid: process.pid });
    else if (request.method === 'GET' && path === '/health/ready')
      send(response, 503, { status: 'not_ready', checks: this.checks });
    else {
      const problem = Problem.unavailable(
        'the server is not ready yet; /health/ready says what it waits for',
        RETRY_AFTER_SECONDS,
      );
      send(response, problem.status, problemBody(problem), { ...problem.headers, 'content-type': PROBLEM_TYPE });
    }
  };

  /** The part that was asked has answered. */
  private opened(): void {
    if (this.asked === null) return;
    this.answering.add(this.asked.part);
    if (this.cause?.part === this.asked.part) this.cause = null;
    this.asked = null;
  }

  private note(error: unknown): void {
    const part = this.partOf(error);
    this.asked = null;
    this.answering.delete(part);
    this.cause = { part, detail: causeOf(error) };
    this.say(this.cause, error);
  }

  private noteSilence(): void {
    const { asked, cause } = this;
    if (asked === null || Date.now() - asked.at < SILENT_MS.log || cause?.part === asked.part) return;
    this.say({ part: asked.part, detail: 'no answer' });
  }

  /** One line when the cause is another one, and now and then while it is not. */
  private say({ part, detail }: Cause, error?: unknown): void {
    const text = `${part}: ${detail}`;
    if (this.said?.text === text && Date.now() - this.said.at < SAID_EVERY_MS) return;
    this.said = { text, at: Date.now() };
    this.logger.warn(
      { part, detail, ...(error === undefined ? {} : { err: error }) },
      'something that the server needs is away; it waits for it, and goes on by itself',
    );
  }

  /** Which part failed: as a rule the one that was asked. Where each of several may be, the error says which. */
  private partOf(error: unknown): OpeningPart {
    if (error instanceof StoreUnavailable || error instanceof OutcomeUnknown) return 'store';
    if (error instanceof SignerFailed) return 'signer';
    const asked = this.asked?.part ?? 'store';
    return asked === 'store' ? 'database' : asked;
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: Record<string, unknown>,
  headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' },
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
}
