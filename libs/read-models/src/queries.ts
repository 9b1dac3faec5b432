import { Query } from '@nestjs/cqrs';
import type { ActivityView, Disclosure, Freshness } from '@sijill/contracts';
import type { JsonObject } from '@sijill/event-store';
import type { Page, TimelineFilter } from './activity-timeline/query.js';
import type { DuplicateView } from './entries/query.js';
import type { QuarantineView } from './quarantine/query.js';

/** One page of an answer, and where the ledger stood when it was given. */
export interface Answer<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
  readonly asOf: Freshness;
}

/** All disclosures of one subject's data, newest first. Null: the ledger knows no such subject. */
export class DisclosureHistory extends Query<Answer<Disclosure> | null> {
  constructor(
    readonly filter: Omit<TimelineFilter, 'activity'>,
    readonly page: Page,
  ) {
    super();
  }
}

/** The whole timeline of one subject. Null: the ledger knows no such subject. */
export class ActivityTimeline extends Query<Answer<ActivityView> | null> {
  constructor(
    readonly filter: TimelineFilter,
    readonly page: Page,
  ) {
    super();
  }
}

/** An entry as stored, its sealed part closed. */
export interface EntryView {
  readonly entryId: string;
  readonly type: string;
  readonly lane: string;
  readonly revision: number;
  readonly position: number;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
  readonly asOf: Freshness;
}

export class EntryById extends Query<EntryView | null> {
  constructor(readonly entryId: string) {
    super();
  }
}

export class QuarantineList extends Query<Answer<QuarantineView>> {
  constructor(readonly page: Page) {
    super();
  }
}

export class DuplicateList extends Query<Answer<DuplicateView>> {
  constructor(readonly page: Page) {
    super();
  }
}
