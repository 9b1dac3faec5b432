import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { EVENT_STORE, type EventStore } from '@sijill/event-store';
import { Vault } from '@sijill/vault';
import { activityView, timelineRows } from './activity-timeline/query.js';
import { disclosureHistory } from './disclosure-history/query.js';
import { duplicates, locateEntry } from './entries/query.js';
import { quarantined } from './quarantine/query.js';
import {
  ActivityTimeline,
  DisclosureHistory,
  DuplicateList,
  EntryById,
  QuarantineList,
  type Answer,
} from './queries.js';
import { ReadModels } from './read-models.js';
import type { ReadModelName } from './tables.js';

/** Adds where the read model stood. Asked for before the rows, so that an answer never claims more than it shows. */
async function answered<Item>(
  readModels: ReadModels,
  name: ReadModelName,
  rows: () => Promise<{ items: Item[]; next: string | null }>,
): Promise<Answer<Item>> {
  const asOf = await readModels.freshAsOf(name);
  return { ...(await rows()), asOf };
}

@QueryHandler(DisclosureHistory)
class DisclosureHistoryHandler implements IQueryHandler<DisclosureHistory> {
  constructor(
    private readonly readModels: ReadModels,
    private readonly vault: Vault,
  ) {}

  async execute({ filter, page }: DisclosureHistory): ReturnType<IQueryHandler<DisclosureHistory>['execute']> {
    const known = await subjectState(this.readModels, this.vault, filter.subjectId);
    if (known === 'unknown') return null;
    return answered(this.readModels, 'activity-timeline', () =>
      disclosureHistory(this.readModels.sql.reader, filter, page, known === 'erased'),
    );
  }
}

@QueryHandler(ActivityTimeline)
class ActivityTimelineHandler implements IQueryHandler<ActivityTimeline> {
  constructor(
    private readonly readModels: ReadModels,
    private readonly vault: Vault,
  ) {}

  async execute({ filter, page }: ActivityTimeline): ReturnType<IQueryHandler<ActivityTimeline>['execute']> {
    const known = await subjectState(this.readModels, this.vault, filter.subjectId);
    if (known === 'unknown') return null;
    return answered(this.readModels, 'activity-timeline', async () => {
      const { rows, next } = await timelineRows(this.readModels.sql.reader, filter, page);
      return { items: rows.map((row) => activityView(row, known === 'erased')), next };
    });
  }
}

/** A subject without a key is known by what the ledger holds of it: then its key was destroyed. */
async function subjectState(
  readModels: ReadModels,
  vault: Vault,
  subjectId: string,
): Promise<'known' | 'erased' | 'unknown'> {
  if (await vault.has(subjectId)) return 'known';
  const { rows } = await timelineRows(readModels.sql.reader, { subjectId }, { limit: 1, cursor: null });
  return rows.length > 0 ? 'erased' : 'unknown';
}

@QueryHandler(EntryById)
class EntryByIdHandler implements IQueryHandler<EntryById> {
  constructor(
    private readonly readModels: ReadModels,
    @Inject(EVENT_STORE) private readonly store: EventStore,
  ) {}

  async execute({ entryId }: EntryById): ReturnType<IQueryHandler<EntryById>['execute']> {
    const asOf = await this.readModels.freshAsOf('entries');
    const place = await locateEntry(this.readModels.sql.reader, entryId);
    if (place === null) return null;
    for await (const entry of this.store.readStream(place.lane, { from: place.revision, limit: 1 })) {
      const { id, type, stream, revision, position, data, metadata } = entry;
      return { entryId: id, type, lane: stream, revision, position, data, metadata, asOf };
    }
    return null;
  }
}

@QueryHandler(QuarantineList)
class QuarantineListHandler implements IQueryHandler<QuarantineList> {
  constructor(private readonly readModels: ReadModels) {}

  execute({ page }: QuarantineList): ReturnType<IQueryHandler<QuarantineList>['execute']> {
    return answered(this.readModels, 'quarantine', () => quarantined(this.readModels.sql.reader, page));
  }
}

@QueryHandler(DuplicateList)
class DuplicateListHandler implements IQueryHandler<DuplicateList> {
  constructor(private readonly readModels: ReadModels) {}

  execute({ page }: DuplicateList): ReturnType<IQueryHandler<DuplicateList>['execute']> {
    return answered(this.readModels, 'entries', () => duplicates(this.readModels.sql.reader, page));
  }
}

export const QUERY_HANDLERS = [
  DisclosureHistoryHandler,
  ActivityTimelineHandler,
  EntryByIdHandler,
  QuarantineListHandler,
  DuplicateListHandler,
];
