import Database from 'better-sqlite3';
import { join } from 'node:path';
import { BATCH, disclosed } from '../support/events.js';
import { eventually, freshDataDir, request, startServer } from '../support/sijill.js';

/** SIJILL_TEST_KILLS=200 runs it in full. */
const KILLS = Number(process.env['SIJILL_TEST_KILLS'] ?? 8);
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const SENDERS = 4;

/** A small generator of its own (mulberry32), so that a run can be repeated by its seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('a server killed while events come in over HTTP', () => {
  it(
    `has all that it called accepted, and counts each event once, after ${KILLS} kills (seed ${SEED})`,
    async () => {
      const random = seeded(SEED);
      const dataDir = freshDataDir('killed-intake');
      const env = { SIJILL_DATA_DIR: dataDir };
      const phoneOf = (i: number): string => `+96650000${String(5000 + (i % 50))}`;
      const acknowledged = new Set<string>();
      let sent = 0;
      let producer = '';
      let officer = '';
      for (let kill = 0; kill < KILLS; kill++) {
        const server = await startServer(env);
        producer ||= await server.key('producer');
        officer ||= await server.key('officer');
        let going = true;
        // An unacknowledged batch is sent again, under the same ids, as a producer would.
        const senders = Array.from({ length: SENDERS }, async () => {
          while (going) {
            const events = Array.from({ length: 1 + Math.floor(random() * 40) }, () =>
              disclosed(phoneOf(sent), { id: `event-${sent++}` }),
            );
            for (let tries = 0; going && tries < 2; tries++) {
              try {
                const answer = await request<{ accepted: { id: string }[] }>(`${server.url}/v1/events`, {
                  key: producer,
                  body: events,
                  type: BATCH,
                });
                if (answer.status !== 201) continue;
                for (const { id } of answer.body.accepted) acknowledged.add(id);
                break;
              } catch {
                if (!going) return;
              }
            }
          }
        });
        await new Promise((resolve) => setTimeout(resolve, 20 + random() * 600));
        await server.kill('SIGKILL');
        going = false;
        await Promise.all(senders);
      }

      const server = await startServer(env);
      const file = new Database(join(dataDir, 'ledger.sqlite'), { readonly: true });
      const stored = file
        .prepare(`select json_extract(metadata, '$.eventId') as id from entry where type = 'sijill.data.disclosed.v1'`)
        .all() as { id: string }[];
      file.close();
      const ids = new Set(stored.map(({ id }) => id));
      expect(acknowledged.size).toBeGreaterThan(KILLS * 10);
      expect([...acknowledged].filter((id) => !ids.has(id))).toEqual([]);

      const counted: string[] = [];
      for (let person = 0; person < 50; person++) {
        const found = await request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
          key: officer,
          body: { identifier: { scheme: 'phone', value: phoneOf(person) }, reason: 'test' },
        });
        for (let cursor: string | null = ''; cursor !== null;) {
          const query = cursor === '' ? '' : `&cursor=${cursor}`;
          const page: { body: { items: { eventId: string }[]; next: string | null } } = await eventually(
            () =>
              request(`${server.url}/v1/subjects/${found.body.subjectId}/disclosures?limit=500${query}`, {
                key: officer,
                reason: 'test',
              }),
            ({ status }) => status === 200,
          );
          counted.push(...page.body.items.map(({ eventId }) => eventId));
          cursor = page.body.next;
        }
      }
      expect(counted).toHaveLength(new Set(counted).size);
      expect(new Set(counted)).toEqual(ids);
      expect(await server.kill()).toBe(0);
    },
    KILLS * 8_000 + 60_000,
  );
});
