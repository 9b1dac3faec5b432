import { request, startServer } from '../support/sijill.js';

interface Ready {
  readonly status: string;
  readonly clock?: { readonly aheadMs?: number; readonly behindMs?: number; readonly detail: string };
}

const DAY_MS = 24 * 3_600_000;

describe('a clock that is not to be believed', () => {
  it('is told at the start and in the health: one that is ahead on purpose, and one behind what was recorded', async () => {
    const ahead = await startServer({ SIJILL_CLOCK: '+40d' });
    expect((await request<Ready>(`${ahead.url}/health/ready`)).body).toMatchObject({
      status: 'ready',
      clock: { aheadMs: 40 * DAY_MS, detail: expect.stringContaining('SIJILL_CLOCK') as string },
    });
    expect(ahead.log()).toContain('SIJILL_CLOCK');
    await ahead.kill();

    const right = await startServer({ SIJILL_DATA_DIR: ahead.dataDir });
    const { body } = await request<Ready>(`${right.url}/health/ready`);
    expect(body).toMatchObject({ status: 'ready', clock: { detail: expect.stringContaining('is behind') as string } });
    expect(body.clock!.behindMs).toBeGreaterThan(39 * DAY_MS);
    expect(right.log()).toContain('is behind what the store has recorded');
    await right.kill();
  });

  it('is not told of one that is right', async () => {
    const server = await startServer();
    expect((await request<Ready>(`${server.url}/health/ready`)).body).not.toHaveProperty('clock');
    await server.kill();
  });
});
