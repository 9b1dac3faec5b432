import Database from 'better-sqlite3';
import { join } from 'node:path';
import { BATCH, disclosed } from '../support/events.js';
import { request, startServer } from '../support/sijill.js';

const SENDERS = 16;
const STOPS = 3;

describe('a server that is told to stop while events come in', () => {
  it('answers what it has begun, ends with 0, and has all that it called accepted', async () => {
    const unanswered: unknown[] = [];
    let drained = 0;
    for (let stop = 0; stop < STOPS; stop++) {
      const server = await startServer({ SIJILL_LOG_LEVEL: 'error' });
      const key = await server.key('producer');
      const acknowledged = new Set<string>();
      let sent = 0;
      let stopping = false;
      const senders = Array.from({ length: SENDERS }, async () => {
        for (let going = true; going;) {
          const body = Array.from({ length: 100 }, () => {
            const event = sent++;
            return disclosed('+966500000066', { id: `event-${event}`, sequence: String(event) });
          });
          const begunBefore = !stopping;
          try {
            const answer = await request<{ accepted?: { id: string }[] }>(`${server.url}/v1/events`, {
              key,
              body,
              type: BATCH,
            });
            if (answer.status === 201) for (const { id } of answer.body.accepted!) acknowledged.add(id);
            else if (answer.status !== 503) unanswered.push(answer);
            if (answer.status === 201 && stopping) drained++;
          } catch (error) {
            // Once it has stopped there is nobody to answer. What was sent before that has an answer.
            if (begunBefore) unanswered.push((error as Error).cause ?? error);
            going = false;
          }
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 500 + 200 * stop));
      stopping = true;
      expect(await server.kill()).toBe(0);
      await Promise.all(senders);
      const file = new Database(join(server.dataDir, 'ledger.sqlite'), { readonly: true });
      const stored = new Set(
        file.prepare<[], string>(`SELECT 'event-' || json_extract(metadata, '$.sequence') FROM entry`).pluck().all(),
      );
      file.close();
      expect(acknowledged.size).toBeGreaterThan(0);
      expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
    }
    expect(unanswered).toEqual([]);
    expect(drained).toBeGreaterThan(0);
  }, 120_000);
});
