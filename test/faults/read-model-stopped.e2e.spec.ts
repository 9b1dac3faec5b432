import Sqlite from 'better-sqlite3';
import { join } from 'node:path';
import { disclosed, SINGLE } from '../support/events.js';
import { eventually, freshDataDir, request, startServer } from '../support/sijill.js';

interface Ready {
  readonly status: string;
  readonly checks: { readonly projector: { readonly status: string; readonly detail: string | null } };
}

/** What nobody foresaw in the timeline: it takes no row any more. */
function breakTimeline(dataDir: string, broken: boolean): void {
  const file = new Sqlite(join(dataDir, 'read-models.sqlite'), { timeout: 10_000 });
  file.exec(
    broken
      ? "create trigger broken before insert on activity begin select raise(abort, 'broken'); end"
      : 'drop trigger broken',
  );
  file.close();
}

describe('a read model that stops under a server', () => {
  it('is named by the health, keeps neither senders nor readers of the others out, and goes on without a restart', async () => {
    const phone = '+966500000071';
    const server = await startServer({ SIJILL_DATA_DIR: freshDataDir('stopped') });
    const [producer, officer, admin] = await Promise.all(
      ['producer', 'officer', 'admin'].map((role) => server.key(role)),
    );
    const send = (id: string) =>
      request<{ accepted: { entries: { subjectId: string }[] }[] }>(`${server.url}/v1/events`, {
        key: producer!,
        body: disclosed(phone, { id }),
        type: SINGLE,
      });
    const ready = () => request<Ready>(`${server.url}/health/ready`);
    const { subjectId } = (await send('first')).body.accepted[0]!.entries[0]!;
    /** The status of an answer that is to include a position. */
    const including = async (position: string, path: string, key: string): Promise<number> => {
      const headers = { authorization: `Bearer ${key}`, 'sijill-reason': 'test', 'sijill-position': position };
      const response = await fetch(`${server.url}${path}`, { headers });
      await response.arrayBuffer();
      return response.status;
    };
    const history = `/v1/subjects/${subjectId}/disclosures`;

    breakTimeline(server.dataDir, true);
    const position = (await send('second')).headers.get('sijill-position')!;
    const { status, body } = await eventually(ready, (answer) => answer.body.checks.projector.status === 'down');
    expect([status, body.status, body.checks.projector.detail]).toEqual([
      200,
      'ready',
      expect.stringMatching(/^activity-timeline stopped at position \d+ \(SqliteError\)$/),
    ]);
    expect((await send('third')).status).toBe(201);
    const statuses = await Promise.all([
      including(position, '/v1/duplicates', admin!),
      including(position, '/v1/quarantine', admin!),
      including(position, history, officer!),
    ]);
    expect(statuses).toEqual([200, 200, 503]);

    breakTimeline(server.dataDir, false);
    await eventually(ready, (answer) => answer.body.checks.projector.status === 'up');
    expect(await including(position, history, officer!)).toBe(200);
    expect(await server.kill()).toBe(0);
  }, 120_000);
});
