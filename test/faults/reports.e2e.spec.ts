import { execFileSync } from 'node:child_process';
import { BATCH, disclosed } from '../support/events.js';
import { eventually, request, startServer, type TestServer } from '../support/sijill.js';

interface Report {
  readonly id: string;
  readonly status: string;
  readonly error: string | null;
  readonly files: { name: string; sha256: string }[];
}

const phone = '+966500000042';

/** The process that renders for a server. */
function rendererOf(server: TestServer): number | null {
  const lines = execFileSync('ps', ['-eo', 'pid=,args=']).toString().split('\n');
  const servers = execFileSync('ps', ['-eo', 'pid=,ppid=']).toString().split('\n');
  const children = lines
    .filter((line) => line.includes('render-child.js'))
    .map((line) => Number(line.trim().split(' ')[0]));
  const child = children.find((pid) =>
    servers.some((line) => {
      const [own, parent] = line.trim().split(/\s+/).map(Number);
      return own === pid && parent === server.pid;
    }),
  );
  return child ?? null;
}

describe('a report that was ordered', () => {
  const order = (server: TestServer, key: string) =>
    request<Report>(`${server.url}/v1/reports`, {
      key,
      body: {
        report: 'accounting',
        parameters: { identifier: { scheme: 'phone', value: phone }, reason: 'test' },
        formats: ['pdf', 'json'],
      },
    });
  const finished = (server: TestServer, key: string, id: string) =>
    eventually(
      async () => (await request<Report>(`${server.url}/v1/reports/${id}`, { key })).body,
      ({ status }) => status === 'done' || status === 'failed',
      60_000,
    );
  const withHistory = async (): Promise<{ server: TestServer; officer: string }> => {
    const server = await startServer();
    const producer = await server.key('producer');
    for (let i = 0; i < 4; i++) {
      const events = Array.from({ length: 500 }, () => disclosed(phone));
      expect((await request(`${server.url}/v1/events`, { key: producer, body: events, type: BATCH })).status).toBe(201);
    }
    return { server, officer: await server.key('officer') };
  };

  it('is made after all when the server was killed over it', async () => {
    const { server, officer } = await withHistory();
    const { body } = await order(server, officer);
    await server.kill('SIGKILL');
    const again = await startServer(server.env);
    const report = await finished(again, officer, body.id);
    expect(report).toMatchObject({ status: 'done', error: null });
    expect(report.files.map(({ name }) => name)).toEqual(['accounting-en.pdf', 'accounting.json', 'accounting.proof']);
    const file = await fetch(`${again.url}/v1/reports/${body.id}/files/accounting.json`, {
      headers: { authorization: `Bearer ${officer}` },
    });
    expect(((await file.json()) as { totals: { entries: number } }).totals.entries).toBe(2_000);
    await again.kill();
  }, 120_000);

  it('is made when the rendering process is killed over it, and the server stays', async () => {
    const { server, officer } = await withHistory();
    const { body } = await order(server, officer);
    const renderer = await eventually(
      async () => rendererOf(server),
      (pid) => pid !== null,
    );
    process.kill(renderer!, 'SIGKILL');
    expect(await finished(server, officer, body.id)).toMatchObject({ status: 'done' });
    expect((await request(`${server.url}/health/live`)).status).toBe(200);
    expect(await server.kill()).toBe(0);
  }, 120_000);
});
