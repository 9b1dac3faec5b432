import { BATCH, disclosed } from './events.js';
import { eventually, request, type TestServer } from './sijill.js';

/** Sends so many disclosures about one person, and returns the id of the last one's entry. */
export async function sendDisclosures(server: TestServer, key: string, phone: string, count: number): Promise<string> {
  const events = Array.from({ length: count }, () => disclosed(phone));
  const answer = await request<{ accepted: { entries: { entryId: string }[] }[] }>(`${server.url}/v1/events`, {
    key,
    body: events,
    type: BATCH,
  });
  expect(answer.status).toBe(201);
  return answer.body.accepted.at(-1)!.entries[0]!.entryId;
}

/** The proof of an entry, once its checkpoint is there. */
export async function proofOf(server: TestServer, key: string, entryId: string): Promise<string> {
  const { body } = await eventually(
    () => request<string>(`${server.url}/v1/entries/${entryId}/proof`, { key }),
    ({ status }) => status === 200,
  );
  return body;
}
