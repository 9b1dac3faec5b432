import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { EVENT_STORE, type EventStore } from '@sijill/event-store';
import {
  activityView,
  disclosureHistory,
  duplicates,
  duplicateViews,
  openerForRows,
  openingWith,
  personOf,
  quarantined,
  ReadModels,
  storedEntry,
  timelineRows,
  type AboutPerson,
  type ReadModelName,
  type TimelineFilter,
} from '@sijill/read-models';
import { Vault } from '@sijill/vault';
import {
  ActivityTimeline,
  DisclosureHistory,
  DuplicateList,
  EntryById,
  QuarantineList,
  type Answer,
  type PersonAnswer,
} from './queries.js';

interface Rows<Item> {
  items: Item[];
  next: string | null;
}

/** Adds where the read model stood. Asked for before the rows, so that an answer never claims more than it shows. */
async function answered<Item>(
  readModels: ReadModels,
  name: ReadModelName,
  rows: () => Promise<Rows<Item>>,
): Promise<Answer<Item>> {
  const asOf = await readModels.freshAsOf(name);
  return { ...(await rows()), asOf };
}

/** Finds out who is meant, and adds how much is open about that. Null: the ledger knows no such subject. */
async function answeredAbout<Item>(
  readModels: ReadModels,
  vault: Vault,
  about: AboutPerson,
  rows: (of: Pick<TimelineFilter, 'subjectIds'>) => Promise<Rows<Item>>,
): Promise<PersonAnswer<Item> | null> {
  const asOf = await readModels.freshAsOf('activity-timeline');
  const person = await personOf(readModels.sql.reader, vault, about);
  if (person === null) return null;
  const { subjectIds, openConflicts } = person;
  return { ...(await rows({ subjectIds })), asOf, openConflicts };
}

@QueryHandler(DisclosureHistory)
class DisclosureHistoryHandler implements IQueryHandler<DisclosureHistory> {
  constructor(
    private readonly readModels: ReadModels,
    private readonly vault: Vault,
  ) {}

  execute({ about, filter, page, reader }: DisclosureHistory): ReturnType<IQueryHandler<DisclosureHistory>['execute']> {
    const { readModels, vault } = this;
    return answeredAbout(readModels, vault, about, (of) =>
      disclosureHistory(readModels.sql.reader, openingWith(vault.secrets), { ...filter, ...of }, page, reader),
    );
  }
}

@QueryHandler(ActivityTimeline)
class ActivityTimelineHandler implements IQueryHandler<ActivityTimeline> {
  constructor(
    private readonly readModels: ReadModels,
    private readonly vault: Vault,
  ) {}

  execute({ about, filter, page }: ActivityTimeline): ReturnType<IQueryHandler<ActivityTimeline>['execute']> {
    const { readModels, vault } = this;
    return answeredAbout(readModels, vault, about, async (of) => {
      const { rows, next } = await timelineRows(readModels.sql.reader, { ...filter, ...of }, page);
      const opener = await openerForRows(rows, openingWith(vault.secrets));
      return { items: rows.map((row) => activityView(row, opener)), next };
    });
  }
}

@QueryHandler(EntryById)
class EntryByIdHandler implements IQueryHandler<EntryById> {
  constructor(
    private readonly readModels: ReadModels,
    private readonly vault: Vault,
    @Inject(EVENT_STORE) private readonly store: EventStore,
  ) {}

  async execute({ entryId }: EntryById): ReturnType<IQueryHandler<EntryById>['execute']> {
    const asOf = await this.readModels.freshAsOf('entries');
    const found = await storedEntry(this.readModels.sql.reader, this.store, this.vault.secrets, entryId);
    return found === null ? null : { ...found, asOf };
  }
}

@QueryHandler(QuarantineList)
class QuarantineListHandler implements IQueryHandler<QuarantineList> {
  constructor(
    private readonly readModels: ReadModels,
    private readonly vault: Vault,
  ) {}

  execute({ page, identified }: QuarantineList): ReturnType<IQueryHandler<QuarantineList>['execute']> {
    const openerFor = identified ? openingWith(this.vault.secrets) : null;
    return answered(this.readModels, 'quarantine', () => quarantined(this.readModels.sql.reader, page, openerFor));
  }
}

@QueryHandler(DuplicateList)
class DuplicateListHandler implements IQueryHandler<DuplicateList> {
  constructor(
    private readonly readModels: ReadModels,
    private readonly vault: Vault,
    @Inject(EVENT_STORE) private readonly store: EventStore,
  ) {}

  execute({ page, identified }: DuplicateList): ReturnType<IQueryHandler<DuplicateList>['execute']> {
    return answered(this.readModels, 'entries', async () => {
      const { items, next } = await duplicates(this.readModels.sql.reader, page);
      const openerFor = identified ? openingWith(this.vault.secrets) : null;
      return { items: await duplicateViews(items, this.store, openerFor), next };
    });
  }
}

export const QUERY_HANDLERS = [
  DisclosureHistoryHandler,
  ActivityTimelineHandler,
  EntryByIdHandler,
  QuarantineListHandler,
  DuplicateListHandler,
];
