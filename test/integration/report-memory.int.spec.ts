import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createLogger, systemClock } from '@sijill/platform';
import { ReadModels } from '@sijill/read-models';
import { ReportDesk, type AccountingOrder, type FileSink } from '@sijill/reports';
import { secretOf } from '@sijill/vault';
import { SUBJECT } from '../support/sample-disclosures.js';
import { eventually, freshDataDir } from '../support/sijill.js';

/** More than a PDF has. */
const [DISCLOSURES, TEXT] = [10_100, 3_000];
// A whole collection takes its time in a process in which other tests have run.
const [MB, SAMPLE] = [1_048_576, 10 * 1_048_576];
/** All disclosures have 40 MB as objects, and 41 MB as the text of the JSON. */
const MOST_HELD = 16 * MB;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is held, without what nobody needs any more (one collection leaves some of it to the next). */
function held(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Read models in which a person has so many disclosures, each with a long text. */
async function longHistory(folder: string): Promise<ReadModels> {
  const readModels = await ReadModels.open({ kind: 'sqlite', file: join(folder, 'models.sqlite') }, systemClock);
  const { writer } = readModels.sql;
  const occurred_at = '2026-07-01T00:00:00.000Z';
  for (let from = 1; from <= DISCLOSURES; from += 100) {
    const rows = Array.from({ length: 100 }, (_, i) => {
      const entry_id = `0190c9a4-0000-7000-8000-${String(from + i).padStart(12, '0')}`;
      const effectOnOthers = `${from + i} ${'x'.repeat(TEXT)}`;
      const data = { occurredAt: occurred_at, dataCategories: ['contact.phone'], effectOnOthers };
      return {
        ...{ entry_id, position: from + i, subject_id: SUBJECT, occurred_at, recorded_at: occurred_at },
        ...{
          activity: 'disclosure',
          type: 'sijill.data.disclosed.v1',
          standing: 'first',
          categories: '|contact.phone|',
        },
        ...{
          producer: null,
          on_behalf_of: null,
          ground: null,
          recipient_id: null,
          recipient_class: null,
          purpose: null,
        },
        ...{ body: JSON.stringify({ data, source: null, wasSealed: false }), sealed: null },
      };
    });
    await writer.insertInto('activity').values(rows).execute();
  }
  await writer.updateTable('projection').set({ position: DISCLOSURES, as_of: occurred_at }).execute();
  return readModels;
}

describe('a report of many disclosures', () => {
  let readModels: ReadModels;
  let desk: ReportDesk;
  let proven: readonly number[] | null = null;

  beforeAll(async () => {
    const folder = freshDataDir('report-memory');
    readModels = await longHistory(folder);
    const secret = secretOf('key', Buffer.alloc(32, 1));
    desk = await ReportDesk.open({ kind: 'sqlite', file: join(folder, 'reports.sqlite') }, {
      dataDir: folder,
      node: 'tests',
      vault: {
        directory: { person: async () => ({ linked: [], openConflicts: 0 }), identifiersOf: async () => [] },
        secrets: {
          ...{ ofSubject: async () => secret, ofStaff: async () => secret, byId: async () => secret },
          byIds: async () => new Map(),
        },
      },
      readModels,
      proofs: {
        prove: async (_: unknown, { scope }: { scope: { only: number[] } }) => {
          proven = scope.only;
          return null;
        },
      },
      lane: async () => ({ append: async () => undefined }),
      clock: systemClock,
      logger: createLogger('silent'),
    } as unknown as Parameters<typeof ReportDesk.open>[1]);
  }, 60_000);
  afterAll(async () => {
    await desk.close();
    await readModels.close();
  });

  const orderOf = (...formats: AccountingOrder['formats']): AccountingOrder => ({
    ...{ subjectId: SUBJECT, audience: 'subject', from: null, to: null, reason: 'test', requestedBy: 'test' },
    ...{ principal: 'test', language: 'en', formats },
  });

  it('is made in memory that does not grow with them', async () => {
    const before = held();
    let [most, samples] = [0, 0];
    const sink: FileSink = {
      put: async (_, content) => {
        let bytes = 0;
        for await (const piece of content) {
          if (Math.floor(bytes / SAMPLE) === Math.floor((bytes += piece.length) / SAMPLE)) continue;
          most = Math.max(most, held() - before);
          samples += 1;
        }
      },
    };
    const { files } = await desk.make(orderOf('json', 'csv'), sink);
    for (const { size } of files) expect(size).toBeGreaterThan(DISCLOSURES * TEXT);
    expect(files.map(({ name }) => name)).toEqual(['accounting.json', 'accounting.csv']);
    expect(samples).toBeGreaterThan(4);
    expect(most).toBeLessThan(MOST_HELD);
    // The proof of its lines is told of each by its place alone.
    expect(proven).toEqual(Array.from({ length: DISCLOSURES }, (_, i) => i + 1));
  }, 300_000);

  it('has no PDF, which says why, and all else that was ordered', async () => {
    const made = async (...formats: AccountingOrder['formats']): Promise<unknown> => {
      const { id } = await desk.order(orderOf(...formats));
      const view = await eventually(
        () => desk.find(id),
        (found) => ['done', 'failed'].includes(found!.status),
        60_000,
      );
      return { status: view!.status, error: view!.error, files: view!.files.map(({ name }) => name) };
    };
    const error =
      'a PDF has 10000 disclosures at most, and there are 10100; ask for JSON or CSV, or for a shorter time';
    expect(await made('pdf', 'csv')).toEqual({ status: 'done', error, files: ['accounting.csv'] });
    expect(await made('pdf')).toEqual({ status: 'failed', error, files: [] });
  }, 120_000);

  it('is not made of documents that say different things', async () => {
    const { writer } = readModels.sql;
    const sink: FileSink = {
      put: async (_, content) => {
        for await (const piece of content) expect(piece.length).toBeGreaterThan(0);
        // As if a key had been destroyed behind the first document.
        const body = JSON.stringify({ data: { dataCategories: [] }, source: null, wasSealed: true });
        await writer.updateTable('activity').set({ body }).where('position', '=', 5_000).execute();
      },
    };
    await expect(desk.make(orderOf('csv', 'json'), sink)).rejects.toThrow(
      'what the report says was changed while it was made',
    );
  }, 120_000);
});
