import type { FieldError, Speaker } from '@sijill/contracts';
import type { Clock, Metrics } from '@sijill/platform';
import type { AcceptedEvent } from '../accepted-event.js';
import type { EntryMaker, Provenance } from '../entry-maker.js';
import { readEvent, tooLarge, type IntakeLimits } from '../read-event.js';
import type { SeenEvents } from '../seen-events.js';
import type { HttpLane } from './http-lane.js';
import { StoreTogether, type StoredTogether } from './store-together.js';

export interface AcceptedItem {
  readonly index: number;
  readonly source: string;
  readonly id: string;
  readonly duplicate: boolean;
  readonly entries: readonly { readonly entryId: string; readonly subjectId: string | null }[];
}

export interface AcceptedLeaf {
  readonly entryId: string;
  readonly leafHash: string;
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
  /** Every entry of what is accepted, with the hash of its leaf in hex. */
  readonly leaves: readonly AcceptedLeaf[];
  /** Store position of the last entry, 0 when there is none: readers that wait for it see all of this. */
  readonly position: number;
}

export interface IncomingBatch {
  readonly events: readonly unknown[];
  /** What of the text of some events they do not have, by their index, see `DecodedJson`: these are refused. */
  readonly faults?: ReadonlyMap<number, readonly FieldError[]>;
  /** Bytes of the one event in single mode; in a batch each event is measured by itself. */
  readonly bytes: number;
  /** Who sends it: what it may speak for. */
  readonly speaker: Speaker;
  /** Who that is, by the principal of the key. */
  readonly principal: string;
}

const EVENTS_A_SLICE = 500;
const NOTHING: StoredTogether = { outcomes: [], leafHashes: [], position: 0 };

/** The HTTP lane of one node. */
export class HttpIntake {
  private readonly together: StoreTogether;

  constructor(
    lane: Pick<HttpLane, 'append'>,
    maker: EntryMaker,
    seen: SeenEvents,
    private readonly clock: Clock,
    private readonly context: { limits: IntakeLimits; defaultRegion: string; nodeId: string },
    private readonly metrics: Metrics,
  ) {
    this.together = new StoreTogether(lane, maker, seen);
  }

  /**
   * Judges a batch event by event and makes what is right durable.
   *
   * @throws LaneBusy | LaneElsewhere | LaneTakenOver | StoreFull | LaneClosed | DatabaseUnavailable  nothing of the batch is stored
   */
  async accept(batch: IncomingBatch): Promise<IntakeAnswer> {
    const rejected: RejectedItem[] = [];
    const good: { index: number; accepted: AcceptedEvent; provenance: Provenance }[] = [];
    const measure = batch.events.length > 1 && batch.bytes > this.context.limits.eventBytes;
    const { speaker, principal } = batch;
    const provenance = { speaker, principal, arrival: { http: { node: this.context.nodeId } } };
    for (const [index, event] of batch.events.entries()) {
      // Between slices other work gets its turn: a body may hold ten thousand events.
      if (index > 0 && index % EVENTS_A_SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
      const faults = batch.faults?.get(index);
      const bytes = batch.events.length === 1 ? batch.bytes : measure && faults === undefined ? this.bytesOf(event) : 0;
      const reading = faults === undefined ? this.read(event, bytes, speaker) : { errors: faults };
      if ('errors' in reading) rejected.push({ index, ...identityOf(event, reading.errors), errors: reading.errors });
      else good.push({ index, accepted: reading.accepted, provenance });
    }
    const accepted: AcceptedItem[] = [];
    const leaves: AcceptedLeaf[] = [];
    const { outcomes, leafHashes, position } = good.length === 0 ? NOTHING : await this.together.store(good);
    outcomes.forEach((outcome, i) => {
      const {
        index,
        accepted: { event },
      } = good[i]!;
      if ('errors' in outcome) {
        rejected.push({ index, ...identityOf(event, outcome.errors), errors: outcome.errors });
        return;
      }
      for (const { id } of outcome.entries) leaves.push({ entryId: id, leafHash: leafHashes[leaves.length]! });
      accepted.push({
        index,
        source: event.source,
        id: event.id,
        duplicate: outcome.duplicate,
        // Whom an identifier leads to is told only to those who may tie identifiers to somebody.
        entries: outcome.entries.map(({ id, subjectId }) => ({
          entryId: id,
          subjectId: speaker.mayLink ? subjectId : null,
        })),
      });
    });
    rejected.sort((a, b) => a.index - b.index);
    for (const { errors } of rejected) this.metrics.eventsRejected.inc({ code: errors[0]?.code ?? 'unknown' });
    this.metrics.eventsAccepted.inc({ via: 'http' }, accepted.length);
    this.metrics.entriesAppended.inc({ via: 'http' }, leaves.length);
    return { accepted, rejected, leaves, position: accepted.length === 0 ? 0 : position };
  }

  /** Bytes of one event of a batch as JSON; 0 when a glance shows that it is within the limit. */
  private bytesOf(event: unknown): number {
    return mayExceed(event, this.context.limits.eventBytes) ? Buffer.byteLength(JSON.stringify(event)) : 0;
  }

  private read(event: unknown, bytes: number, speaker: Speaker): ReturnType<typeof readEvent> {
    const reading = readEvent(event, { ...this.context, speaker, now: this.clock.now() });
    if (bytes <= this.context.limits.eventBytes) return reading;
    const large = tooLarge(this.context.limits);
    return { errors: 'errors' in reading ? [large, ...reading.errors] : [large] };
  }
}

/** The event's identity for its sender; null where it is missing, or is itself what names a person. */
function identityOf(event: unknown, errors: readonly FieldError[]): { source: string | null; id: string | null } {
  const { source, id } = (typeof event === 'object' && event !== null ? event : {}) as {
    source?: unknown;
    id?: unknown;
  };
  const isPersonal = errors.some(({ code }) => code === 'personal_data_in_envelope');
  return { source: isPersonal ? null : textOf(source), id: textOf(id) };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
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
