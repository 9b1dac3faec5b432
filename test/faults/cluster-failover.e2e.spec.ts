import { EventStoreDBClient } from '@eventstore/db-client';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { disclosed, SINGLE } from '../support/events.js';
import { makeCertificate } from '../support/eventstoredb/certificate.js';
import { startTestCluster, type TestCluster } from '../support/eventstoredb/cluster.js';
import { eventually, request, startServer } from '../support/sijill.js';

const PHONE = '+966500000078';
const LEADERLESS_MS = 1_500;
const PACE_MS = 25;

// TLS, users and a leader that can be ended exist here as stand-ins only.
describe('a server on a cluster that loses its leader', () => {
  const admin = { name: 'admin', password: 'changeit', groups: ['$admins'] };
  const service = { name: 'sijill', password: 'p@ss:s3cret' };
  let directory: string;
  let cluster: TestCluster;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'failover-'));
    cluster = await startTestCluster(directory, await makeCertificate(directory), [admin, service]);
    const root = EventStoreDBClient.connectionString(cluster.connectionStringOf(admin));
    await root.setStreamMetadata('$all', { acl: { readRoles: ['$admins', service.name] } });
    await root.dispose();
  });
  afterAll(async () => {
    await cluster.stop();
    rmSync(directory, { recursive: true });
  });

  it('lets its callers wait or answers 503, goes on by itself at the next, and has all that it accepted, once', async () => {
    const server = await startServer({ SIJILL_EVENT_STORE: cluster.connectionStringOf(service) });
    const key = await server.key('producer', 'officer');
    const accepted: string[] = [];
    let goesOn = true;
    // Each caller sends an event until it is accepted, as a platform service would.
    const caller = async (name: string): Promise<void> => {
      for (let count = 0; goesOn; count += 1) {
        const id = `${name}-${count}`;
        const body = disclosed(PHONE, { id });
        for (let status = 0; status !== 201;) {
          const answer = await request(`${server.url}/v1/events`, { key, body, type: SINGLE });
          status = answer.status;
          if (status === 201) accepted.push(id);
          else expect(status).toBe(503);
          await pause(PACE_MS);
        }
      }
    };
    const callers = ['a', 'b', 'c', 'd'].map(caller);
    await eventually(
      async () => accepted.length,
      (count) => count >= 40,
    );
    await cluster.killLeader();
    await pause(LEADERLESS_MS);
    const before = accepted.length;
    await cluster.failOver();
    await eventually(
      async () => accepted.length - before,
      (count) => count >= 40,
    );
    goesOn = false;
    await Promise.all(callers);

    const found = await request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
      key,
      body: { identifier: { scheme: 'phone', value: PHONE }, reason: 'test' },
    });
    const ids = await eventually(
      async () => {
        const page = await request<{ items: { eventId: string }[] }>(
          `${server.url}/v1/subjects/${found.body.subjectId}/disclosures?limit=500`,
          { key, reason: 'test' },
        );
        return page.body.items.map(({ eventId }) => eventId);
      },
      (seen) => seen.length >= Math.min(500, accepted.length),
    );
    expect(accepted.length).toBeLessThan(500);
    expect(ids.sort()).toEqual(accepted.sort());
    expect(await server.kill()).toBe(0);
  }, 120_000);
});
