import { EventStoreDBClient } from '@eventstore/db-client';
import { Lane, LaneRevisions, openEventStoreDb, StoreRefused, type AuthenticStore } from '@sijill/event-store';
import fc from 'fast-check';
import { disclosureEntry } from '../support/disclosure-entries.js';
import { authentic } from '../support/entry-keys.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { FULL_RUN } from '../support/full-run.js';
import type { NewEntry } from '@sijill/event-store';

/** What somebody does with a lane: its writer appends or sends again, an operator hides, deletes, scavenges. */
type Step =
  | { readonly does: 'append'; readonly count: number }
  | { readonly does: 'repeat'; readonly back: number }
  | { readonly does: 'truncate'; readonly before: number }
  | { readonly does: 'keep'; readonly count: number }
  | { readonly does: 'delete' | 'scavenge' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('repeat' as const), back: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant('truncate' as const), before: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('keep' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('delete' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('scavenge' as const) }) },
);

interface Sent {
  readonly entries: readonly NewEntry[];
  /** The revision that they were appended behind. */
  readonly behind: number;
}

describe('a lane of which entries are hidden, deleted and scavenged', () => {
  let standIn: StandIn;
  let store: AuthenticStore;
  let operator: EventStoreDBClient;
  beforeAll(async () => {
    standIn = await startEventStoreDbStandIn();
    store = authentic(await openEventStoreDb({ connectionString: standIn.connectionString }));
    operator = EventStoreDBClient.connectionString(standIn.connectionString);
  });
  afterAll(async () => {
    await operator.dispose();
    await store.close();
    await standIn.stop();
  });

  /** Everything that a lane gives to whoever reads it, or why it cannot be read. */
  const read = async (lane: string): Promise<string[] | StoreRefused> => {
    try {
      const ids: string[] = [];
      for await (const { id } of store.readStream(lane)) ids.push(id);
      return ids;
    } catch (error) {
      if (error instanceof StoreRefused) return error;
      throw error;
    }
  };
  /** The same of the order of all entries, for whoever knows how far the lane was. */
  const readOfAll = async (lane: string): Promise<string[] | StoreRefused> => {
    const revisions = new LaneRevisions([], true);
    try {
      const ids: string[] = [];
      for await (const batch of store.readAll()) {
        const own = batch.filter(({ stream }) => stream === lane);
        revisions.take(own);
        ids.push(...own.map(({ id }) => id));
      }
      return ids;
    } catch (error) {
      if (error instanceof StoreRefused) return error;
      throw error;
    }
  };
  const hide = async (lane: string, taken: Step): Promise<void> => {
    if (taken.does === 'truncate') await operator.setStreamMetadata(lane, { truncateBefore: taken.before });
    else if (taken.does === 'keep') await operator.setStreamMetadata(lane, { maxCount: taken.count });
    else if (taken.does === 'delete') await operator.deleteStream(lane);
    else standIn.scavenge();
  };

  it(
    'reports nothing as stored that cannot be read, and tells of each gap',
    async () => {
      let lanes = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
          const lane = `ledger-hidden/${(lanes += 1)}`;
          const stored: string[] = [];
          const sent: Sent[] = [];
          for (const taken of [{ does: 'append', count: 2 } as const, ...steps]) {
            if (taken.does === 'append') {
              const entries = Array.from({ length: taken.count }, (_, n) =>
                disclosureEntry(`${lane}-${stored.length + n}`),
              );
              try {
                const writer = await Lane.open(store, lane, { onOtherWriter: 'stop', whenFull: 'refuse' });
                const { revision, position } = await writer.append(entries);
                await writer.close();
                sent.push({ entries, behind: revision - entries.length });
                stored.push(...entries.map(({ id }) => id));
                // What was just reported stands there.
                for await (const [there] of store.readAll({ from: position, batchSize: 1 })) {
                  expect([there!.id, there!.revision]).toEqual([entries.at(-1)!.id, revision]);
                  break;
                }
              } catch (error) {
                expect(error).toBeInstanceOf(StoreRefused);
              }
            } else if (taken.does === 'repeat') {
              const { entries, behind } = sent.at(-taken.back) ?? sent[0]!;
              const repeated = await store
                .append(lane, entries, behind < 0 ? 'no_stream' : behind)
                .catch((error: unknown) => error as Error);
              if (repeated instanceof Error) {
                // Refused, or another end is there: nothing is said to be stored.
                expect(['EntriesHidden', 'StoreRefused', 'LaneGap', 'WrongExpectedRevision']).toContain(repeated.name);
              } else {
                const found: string[] = [];
                for await (const { id } of store.readStream(lane, { from: behind + 1, limit: entries.length }))
                  found.push(id);
                expect([repeated.revision, found]).toEqual([behind + entries.length, entries.map(({ id }) => id)]);
              }
            } else await hide(lane, taken);
            const found = await read(lane);
            if (!(found instanceof StoreRefused)) expect(found).toEqual(stored);
            const ofAll = await readOfAll(lane);
            // Nobody who begins at the first entry can miss a lane that is gone altogether; whoever knew it can.
            if (!(ofAll instanceof StoreRefused) && ofAll.length > 0) expect(ofAll).toEqual(stored);
          }
        }),
        { numRuns: FULL_RUN ? 1_000 : 60 },
      );
    },
    FULL_RUN ? 600_000 : 120_000,
  );
});
