import { setTimeout as pause } from 'node:timers/promises';
import type { Disclosure, AsOf } from '@sijill/contracts';
import type { ReportView } from '@sijill/reports';
import type { Identifier } from '@sijill/vault';

/** The server refused what the demo asked. */
export class DemoRefused extends Error {
  override readonly name = 'DemoRefused';
}

/** What the demo asks of the server, over the same routes as everybody. */
export class DemoClient {
  constructor(
    private readonly url: string,
    private readonly producerKey: string,
    private readonly officerKey: string,
  ) {}

  /** Sends a batch; a full queue is waited for, as the server asks. */
  async send(events: readonly object[]): Promise<{ accepted: number; duplicates: number }> {
    for (;;) {
      const response = await fetch(`${this.url}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.producerKey}`, 'content-type': 'application/cloudevents-batch+json' },
        body: JSON.stringify(events),
      });
      if (response.status === 503) {
        await pause(1000 * Number(response.headers.get('retry-after') ?? '1'));
        continue;
      }
      const answer = (await response.json()) as {
        accepted?: { duplicate: boolean }[];
        rejected?: { errors: { path: string; code: string }[] }[];
      };
      const [refused] = answer.rejected ?? [];
      if (response.status !== 201 || refused !== undefined) {
        const fault = refused?.errors[0];
        throw new DemoRefused(
          `the server refused an event of the demo (${response.status} ${fault?.path ?? ''} ${fault?.code ?? ''})`,
        );
      }
      const accepted = answer.accepted ?? [];
      return { accepted: accepted.length, duplicates: accepted.filter(({ duplicate }) => duplicate).length };
    }
  }

  async lookUp(identifier: Identifier, reason: string): Promise<string> {
    const { subjectId } = await this.ask<{ subjectId: string }>('POST', '/v1/subjects/lookup', { identifier, reason });
    return subjectId;
  }

  async disclosures(subjectId: string, reason: string): Promise<{ items: Disclosure[]; asOf: AsOf }> {
    return this.ask('GET', `/v1/subjects/${subjectId}/disclosures?limit=500`, undefined, reason);
  }

  /** Orders a PDF, waits for it, and fetches it with the proof that nothing was left out. */
  async accounting(subjectId: string, language: 'en' | 'ar', reason: string): Promise<{ pdf: Buffer; proof: Buffer }> {
    let report = await this.ask<ReportView>('POST', '/v1/reports', {
      report: 'accounting',
      parameters: { subjectId, audience: 'regulator', reason },
      language,
      formats: ['pdf'],
    });
    while (report.status === 'queued' || report.status === 'running') {
      await pause(100);
      report = await this.ask<ReportView>('GET', `/v1/reports/${report.id}`);
    }
    const [pdf, proof] = report.files;
    if (report.status !== 'done' || pdf === undefined || proof === undefined)
      throw new DemoRefused(`the report failed: ${report.error ?? 'it has no file, or no proof'}`);
    const fetched = async ({ name }: { name: string }): Promise<Buffer> => {
      const response = await fetch(`${this.url}/v1/reports/${report.id}/files/${name}`, {
        headers: { authorization: `Bearer ${this.officerKey}` },
      });
      return Buffer.from(await response.arrayBuffer());
    };
    return { pdf: await fetched(pdf), proof: await fetched(proof) };
  }

  /** The key that the log's proofs are verified with. */
  async verifierKey(): Promise<string> {
    return (await fetch(`${this.url}/log/vkey`)).text();
  }

  /** One figure of /metrics; 0 while it was never counted. */
  async figure(name: string, label = ''): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${name}${label} `));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ')));
  }

  private async ask<T>(method: string, path: string, body?: object, reason?: string): Promise<T> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.officerKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(reason === undefined ? {} : { 'sijill-reason': reason }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new DemoRefused(`${method} ${path} answered ${response.status}`);
    return (await response.json()) as T;
  }
}
