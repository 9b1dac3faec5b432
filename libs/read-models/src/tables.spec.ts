import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { StoredEntry } from '@sijill/event-store';
import { DatabaseUnavailable, newEntryId, systemClock } from '@sijill/platform';
import { ReadModels } from './read-models.js';

const freshFile = (): string => join(mkdtempSync(join(tmpdir(), 'sijill-tables-')), 'read-models.sqlite');

const entry = (n: number): StoredEntry => ({
  id: newEntryId(),
  type: 'sijill.data.disclosed.v1',
  data: { subjectId: '5b1f2d2c-51a0-4f0e-9d52-0a1f5f0c7baa', occurredAt: '2026-07-01T00:00:00.000Z', n },
  metadata: {
    recordedAt: '2026-08-01T00:00:00.000Z',
    producer: 'gateway',
    source: '/a',
    event: { generation: '2026Q3', tag: `t${n}`, digest: 'd' },
  },
  stream: 'ledger-http/a',
  revision: n,
  position: n + 1,
  sealed: {},
  foreign: false,
});

describe('the tables of read models', () => {
  it('of the first edition are refused with a sentence that says what to do', async () => {
    const file = freshFile();
    const old = new Sqlite(file);
    old.exec(
      `create table read_model_migration (name text primary key, timestamp text not null);
       insert into read_model_migration values ('2026-11-24-read-models', 'x');
       create table projection (name text primary key, position bigint, as_of text, generation bigint)`,
    );
    old.close();
    const refused = await ReadModels.open({ kind: 'sqlite', file }, systemClock).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DatabaseUnavailable);
    expect((refused as Error).message).toContain('first edition');
    expect((refused as Error).message).toContain('empty folder or database');
  });

  it('are made where there are none, and made again where they have another form; the others stay as they are', async () => {
    const file = freshFile();
    const batch = Array.from({ length: 40 }, (_, n) => entry(n));
    const first = await ReadModels.open({ kind: 'sqlite', file }, systemClock);
    await first.apply(batch);
    const digest = await first.digest();
    await first.close();

    const old = new Sqlite(file);
    old.exec(
      `update projection set form = 0 where name = 'activity-timeline';
       alter table activity drop column ground;
       delete from projection where name = 'quarantine';
       drop table quarantine`,
    );
    old.close();
    const now = await ReadModels.open({ kind: 'sqlite', file }, systemClock);
    expect([...(await now.positions())]).toEqual([
      ['entries', 40],
      ['activity-timeline', 0],
      ['quarantine', 0],
    ]);
    await now.apply(batch);
    expect(await now.digest()).toBe(digest);
    await now.close();
  });
});
