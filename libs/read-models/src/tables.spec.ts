import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore, type NewEntry } from '@sijill/event-store';
import { newEntryId, openSql, systemClock } from '@sijill/platform';
import { ReadModels } from './read-models.js';
import { readModelMigrations, READ_MODELS, type ReadModelTables } from './tables.js';

const FIRST = '2026-11-24-read-models';

const entry = (n: number): NewEntry => ({
  id: newEntryId(),
  type: 'sijill.data.disclosed.v1',
  data: { subjectId: '5b1f2d2c-51a0-4f0e-9d52-0a1f5f0c7baa', occurredAt: '2026-07-01T00:00:00.000Z', n },
  metadata: {
    recordedAt: '2026-08-01T00:00:00.000Z',
    producer: null,
    source: '/a',
    eventId: `e${n}`,
    digest: 'd',
  },
});

describe('read models of the first release', () => {
  it('get positions of their own and keep their rows, and go on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sijill-tables-'));
    const store = openEmbeddedStore({ file: join(folder, 'ledger.sqlite') });
    await store.append(
      'ledger-a',
      Array.from({ length: 40 }, (_, n) => entry(n)),
      'no_stream',
    );
    const now = await ReadModels.open({ kind: 'sqlite', file: join(folder, 'now.sqlite') }, systemClock);
    await now.catchUp(store);

    // The old file: the old tables with the same rows, and one position for all of them.
    const file = join(folder, 'old.sqlite');
    const first = readModelMigrations('sqlite')[FIRST]!;
    const old = await openSql<ReadModelTables>(
      { kind: 'sqlite', file },
      { name: 'read_model', durability: 'normal', migrations: () => ({ [FIRST]: first }) },
    );
    for (const table of Object.values(READ_MODELS).flatMap(({ tables }) => tables)) {
      const rows = await now.sql.reader.selectFrom(table).selectAll().execute();
      for (const row of rows)
        await old.writer
          .insertInto(table)
          .values(row as never)
          .execute();
    }
    const progress = { position: 40, as_of: '2026-08-01T00:00:00.000Z' };
    await old.writer
      .updateTable('projection')
      .set(progress)
      .where('name', '=', 'read-models' as never)
      .execute();
    await old.close();

    const upgraded = await ReadModels.open({ kind: 'sqlite', file }, systemClock);
    expect([...(await upgraded.positions())]).toEqual([
      ['entries', 40],
      ['activity-timeline', 40],
      ['quarantine', 40],
    ]);
    expect(await upgraded.digest()).toBe(await now.digest());
    await store.append('ledger-a', [entry(40)], 39);
    await upgraded.catchUp(store);
    await now.catchUp(store);
    expect(await upgraded.digest()).toBe(await now.digest());
    for (const part of [upgraded, now, store]) await part.close();
  });
});
