import type { ReportView } from '@sijill/reports';
import { BATCH, disclosed } from '../support/events.js';
import { eventually, request, startServer } from '../support/sijill.js';

const PHONE = '+966500000065';
const [DISCLOSURES, AT_ONCE, TEXT] = [8_000, 500, 4_000];
/** Half of it the server has taken before anything is asked of it. All disclosures as text have 40 MB, and as objects as much again. */
const HEAP_MB = 96;

describe('the memory of a server', () => {
  it('does not grow with the reports that it makes', async () => {
    const server = await startServer({ NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` });
    const [producer, officer] = [await server.key('producer'), await server.key('officer')];
    for (let at = 0; at < DISCLOSURES; at += AT_ONCE) {
      const body = Array.from({ length: AT_ONCE }, () => disclosed(PHONE, {}, { effectOnOthers: 'x'.repeat(TEXT) }));
      expect((await request(`${server.url}/v1/events`, { key: producer, body, type: BATCH })).status).toBe(201);
    }
    for (const audience of ['officer', 'subject']) {
      const parameters = { audience, identifier: { scheme: 'phone', value: PHONE }, reason: 'test' };
      const ordered = await request<ReportView>(`${server.url}/v1/reports`, {
        key: officer,
        body: { report: 'accounting', parameters, formats: ['json', 'csv'] },
      });
      const { body: view } = await eventually(
        () => request<ReportView>(`${server.url}/v1/reports/${ordered.body.id}`, { key: officer }),
        ({ body }) => ['done', 'failed'].includes(body.status),
        60_000,
      );
      expect([view.status, view.error]).toEqual(['done', null]);
      expect(view.files.map(({ name }) => name)).toEqual(['accounting.json', 'accounting.csv', 'accounting.proof']);
      for (const { name, size } of view.files) {
        const { body } = await fetch(`${server.url}/v1/reports/${view.id}/files/${name}`, {
          headers: { authorization: `Bearer ${officer}` },
        });
        let bytes = 0;
        for await (const piece of body!) bytes += piece.length;
        expect([name, bytes]).toEqual([name, size]);
        if (name === 'accounting.json') expect(size).toBeGreaterThan(DISCLOSURES * TEXT);
      }
    }
    expect(await server.kill()).toBe(0);
  });
});
