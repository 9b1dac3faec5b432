import { Query } from '@nestjs/cqrs';
import type { ActivityView, Disclosure, Freshness } from '@sijill/contracts';
import type {
  AboutPerson,
  DuplicateView,
  HistoryReader,
  KnownEntry,
  Page,
  QuarantineView,
  TimelineFilter,
} from '@sijill/read-models';

/** One page of an answer, and where the ledger stood when it was given. */
export interface Answer<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
  readonly asOf: Freshness;
}

/** An answer about one person. */
export interface PersonAnswer<Item> extends Answer<Item> {
  /** How many questions are open of who is the same person as this one: what belongs here may be missing. */
  readonly openConflicts: number;
}

/** All disclosures of one person's data, newest first. Null: the ledger knows no such subject. */
export class DisclosureHistory extends Query<PersonAnswer<Disclosure> | null> {
  constructor(
    readonly about: AboutPerson,
    readonly filter: Omit<TimelineFilter, 'subjectIds' | 'activity'>,
    readonly page: Page,
    readonly reader: HistoryReader,
  ) {
    super();
  }
}

/** The whole timeline of one person, for an officer. Null: the ledger knows no such subject. */
export class ActivityTimeline extends Query<PersonAnswer<ActivityView> | null> {
  constructor(
    readonly about: AboutPerson,
    readonly filter: Omit<TimelineFilter, 'subjectIds'>,
    readonly page: Page,
  ) {
    super();
  }
}

/** An entry, and where the ledger stood when it was looked up. */
export interface FoundEntry extends KnownEntry {
  readonly asOf: Freshness;
}

/** Null: the ledger has no such entry; of an event that is foreign there is none. */
export class EntryById extends Query<FoundEntry | null> {
  constructor(readonly entryId: string) {
    super();
  }
}

export class QuarantineList extends Query<Answer<QuarantineView>> {
  constructor(
    readonly page: Page,
    /** Whether the reader is shown which events they were. */
    readonly identified: boolean,
  ) {
    super();
  }
}

export class DuplicateList extends Query<Answer<DuplicateView>> {
  constructor(
    readonly page: Page,
    /** Whether the reader is shown the ids of the events. */
    readonly identified: boolean,
  ) {
    super();
  }
}
