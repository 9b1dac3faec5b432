import type { FieldError } from '@sijill/contracts';
import type { Clock, Metrics } from '@sijill/platform';
import type { AcceptedEvent } from '../accepted-event.js';
import type { EntryMaker, MadeEntry } from '../entry-maker.js';
import { readEvent, tooLarge, type IntakeLimits } from '../read-event.js';
import type { SeenEvents } from '../seen-events.js';
import type { HttpLane } from './http-lane.js';

export interface AcceptedItem {
  readonly index: number;
  readonly source: string;
  readonly id: string;
  readonly duplicate: boolean;
  readonly entries: readonly { readonly entryId: string; readonly subjectId: string | null }[];
}

export interface RejectedItem {
  readonly index: number;
  readonly source: string | null;
  readonly id: string | null;
  readonly errors: readonly FieldError[];
}

/** What became of a batch, event by event. What is accepted is durable. */
export interface IntakeAnswer {
  readonly accepted: readonly AcceptedItem[];
  readonly rejected: readonly RejectedItem[];
  /** Store position of the last entry, 0 when there is none: readers that wait for it see all of this. */
  readonly position: number;
}

export interface IncomingBatch {
  readonly events: readonly unknown[];
  /** Bytes of the one event in single mode; in a batch each event is measured by itself. */
  readonly bytes: number;
  readonly producer: string | null;
}

// Between slices other work gets its turn: a body may hold ten thousand events.
const EVENTS_A_SLICE = 500;

/** The HTTP lane of one node. */
export class HttpIntake {
  constructor(
    private readonly lane: Pick<HttpLane, 'append'>,
    private readonly maker: EntryMaker,
    private readonly seen: SeenEvents,
    private readonly clock: Clock,
    private readonly context: { limits: IntakeLimits; defaultRegion: string; nodeId: string },
    private readonly metrics: Metrics,
  ) {}

  /**
   * Judges a batch event by event and makes what is right durable.
   *
   * @throws LaneBusy | LaneElsewhere | LaneTakenOver | StoreFull | LaneClosed | DatabaseUnavailable  nothing of the batch is stored
   */
  async accept(batch: IncomingBatch): Promise<IntakeAnswer> {
    const rejected: RejectedItem[] = [];
    const good: { index: number; accepted: AcceptedEvent }[] = [];
    const entries: MadeEntry[][] = [];
    const measure = batch.events.length > 1 && batch.bytes > this.context.limits.eventBytes;
    const provenance = { producer: batch.producer, arrival: { http: { node: this.context.nodeId } } };
    for (let from = 0; from < batch.events.length; from += EVENTS_A_SLICE) {
      const slice: { index: number; accepted: AcceptedEvent }[] = [];
      batch.events.slice(from, from + EVENTS_A_SLICE).forEach((event, i) => {
        const index = from + i;
        const bytes = batch.events.length === 1 ? batch.bytes : measure ? this.bytesOf(event) : 0;
        const reading = this.read(event, bytes);
        if ('errors' in reading) rejected.push({ index, ...identityOf(event, reading.errors), errors: reading.errors });
        else slice.push({ index, accepted: reading.accepted });
      });
      const made = await this.maker.make(slice.map(({ accepted }) => ({ accepted, provenance })));
      made.forEach((outcome, i) => {
        const { index, accepted } = slice[i]!;
        if ('errors' in outcome) {
          rejected.push({ index, ...identityOf(accepted.event, outcome.errors), errors: outcome.errors });
          return;
        }
        good.push({ index, accepted });
        entries.push(outcome.entries);
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    rejected.sort((a, b) => a.index - b.index);
    for (const { errors } of rejected) this.metrics.eventsRejected.inc({ code: errors[0]?.code ?? 'unknown' });
    if (good.length === 0) return { accepted: [], rejected, position: 0 };

    const keys = good.map(({ accepted: { event } }) => ({ source: event.source, eventId: event.id }));
    const duplicates = await this.seen.claim(keys);
    let position: number;
    try {
      ({ position } = await this.lane.append(entries.flat()));
    } catch (error) {
      this.seen.release(keys);
      throw error;
    }
    await this.seen.stored(keys, position);
    this.metrics.eventsAccepted.inc({ via: 'http' }, good.length);
    this.metrics.entriesAppended.inc(
      { via: 'http' },
      entries.reduce((sum, made) => sum + made.length, 0),
    );
    const accepted = good.map(({ index, accepted: { event } }, i): AcceptedItem => ({
      index,
      source: event.source,
      id: event.id,
      duplicate: duplicates[i]!,
      entries: entries[i]!.map(({ id, subjectId }) => ({ entryId: id, subjectId })),
    }));
    return { accepted, rejected, position };
  }

  /** Bytes of one event of a batch as JSON; 0 when a glance shows that it is within the limit. */
  private bytesOf(event: unknown): number {
    return mayExceed(event, this.context.limits.eventBytes) ? Buffer.byteLength(JSON.stringify(event)) : 0;
  }

  private read(event: unknown, bytes: number): ReturnType<typeof readEvent> {
    const reading = readEvent(event, { ...this.context, now: this.clock.now() });
    if (bytes <= this.context.limits.eventBytes) return reading;
    const large = tooLarge(this.context.limits);
    return { errors: 'errors' in reading ? [large, ...reading.errors] : [large] };
  }
}

/** The event's identity for its sender; null where it is missing, or is itself what names a person. */
function identityOf(event: unknown, errors: readonly FieldError[]): { source: string | null; id: string | null } {
  const members = (typeof event === 'object' && event !== null ? event : {}) as { source?: unknown; id?: unknown };
  const shown = (name: 'source' | 'id'): string | null => {
    const personal = errors.some(({ path, code }) => path === name && code === 'personal_data_in_envelope');
    const value = members[name];
    return typeof value === 'string' && !personal ? value : null;
  };
  return { source: shown('source'), id: shown('id') };
}

/** Whether a value's JSON may be longer than a limit: an upper bound, much cheaper than making the JSON. */
function mayExceed(value: unknown, limit: number): boolean {
  let left = limit;
  const walk = (each: unknown): void => {
    if (left < 0) return;
    // A UTF-16 unit takes six bytes at worst, as an escape.
    left -= typeof each === 'string' ? 6 * each.length + 2 : 26;
    if (Array.isArray(each)) each.forEach(walk);
    else if (typeof each === 'object' && each !== null) {
      for (const [key, member] of Object.entries(each)) {
        left -= 6 * key.length + 4;
        walk(member);
      }
    }
  };
  walk(value);
  return left < 0;
}
