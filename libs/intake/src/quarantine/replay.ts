import type { FieldError, Speaker } from '@sijill/contracts';
import type { EventStore, JsonObject, Lane } from '@sijill/event-store';
import type { Clock } from '@sijill/platform';
import type { EntryCatalogue } from '../entry-catalogue.js';
import type { EntryMaker } from '../entry-maker.js';
import { readRecord } from '../kafka/read-record.js';
import type { IntakeLimits } from '../read-event.js';
import { PRODUCER_UNKNOWN } from '../producer-unknown.js';
import type { Quarantine, RawRecord } from './quarantine.js';

export type ReplayOutcome =
  | {
      readonly kind: 'replayed';
      readonly entries: readonly { entryId: string; subjectId: string | null }[];
      readonly position: number;
    }
  | { readonly kind: 'refused'; readonly errors: readonly FieldError[] }
  | { readonly kind: 'replayed_before'; readonly entryId: string }
  | { readonly kind: 'destroyed' }
  | { readonly kind: 'cut' }
  | { readonly kind: 'unknown' };

/** Opens what is in quarantine, and tries it again once its cause is gone. */
export class QuarantineDesk {
  /** Replays that are durable but perhaps not yet projected: the same entry twice at once must not make two. */
  private readonly replayed = new Map<string, string>();

  constructor(
    private readonly store: EventStore,
    private readonly quarantine: Quarantine,
    private readonly catalogue: EntryCatalogue,
    private readonly maker: EntryMaker,
    private readonly lane: () => Promise<Lane>,
    private readonly clock: Clock,
    private readonly context: {
      readonly limits: IntakeLimits;
      readonly defaultRegion: string;
      /** What a producer may say now; null when there is none of that name, or it was retired. */
      readonly speakerOf: (producer: string) => Promise<Speaker | null>;
    },
  ) {}

  /** The raw record as it arrived; `unknown` when there is no such quarantine entry, otherwise as {@link Quarantine.open}. */
  async raw(entryId: string): Promise<RawRecord | 'unknown' | 'destroyed' | 'cut'> {
    const place = await this.catalogue.locate(entryId);
    if (place === null) return 'unknown';
    const opened = await this.quarantine.open(this.store, place.lane, place.revision);
    return typeof opened === 'string' ? opened : opened.raw;
  }

  /**
   * Reads a quarantined record again under today's rules. When it is understood now, its entries are written with the place it
   * first arrived at, and say which quarantine entry they come from. They are in the name of the producer that sent it.
   *
   * @param principal who asks for it
   */
  async replay(entryId: string, principal: string): Promise<ReplayOutcome> {
    const place = await this.catalogue.locate(entryId);
    if (place === null) return { kind: 'unknown' };
    const before = this.replayed.get(entryId) ?? (await this.catalogue.replayOf(entryId));
    if (before !== null) return { kind: 'replayed_before', entryId: before };
    const opened = await this.quarantine.open(this.store, place.lane, place.revision);
    if (typeof opened === 'string') return { kind: opened };

    const { producer, kafka } = opened.first.metadata as { producer: string; kafka?: JsonObject };
    const speaker = await this.context.speakerOf(producer);
    if (speaker === null) return { kind: 'refused', errors: [PRODUCER_UNKNOWN] };
    const reading = readRecord(opened.raw, { ...this.context, speaker, now: this.clock.now() });
    if ('errors' in reading) return { kind: 'refused', errors: reading.errors };
    const arrival = { ...(kafka === undefined ? {} : { replayedFrom: kafka }), replayOf: entryId };
    const provenance = { speaker, principal, arrival };
    const [made] = await this.maker.make([{ accepted: reading.accepted, provenance }]);
    if (made === undefined || 'errors' in made) return { kind: 'refused', errors: made?.errors ?? [] };
    const { entries } = made;
    if (this.replayed.has(entryId)) return { kind: 'replayed_before', entryId: this.replayed.get(entryId)! };
    this.replayed.set(entryId, entries[0]!.id);
    try {
      const { position } = await (await this.lane()).append(entries);
      return { kind: 'replayed', position, entries: entries.map(({ id, subjectId }) => ({ entryId: id, subjectId })) };
    } catch (error) {
      this.replayed.delete(entryId);
      throw error;
    }
  }
}
