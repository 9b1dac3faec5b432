// Fills the disk under a running server and makes room again; prints what the server answered. See test/faults/full-disk.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH, disclosed } from './events.js';
import { eventually, request, startServer, type HttpAnswer } from './sijill.js';

export interface FullDiskOutcome {
  /** What the first refusal said, the look-up meanwhile, and the first acceptance after there was room. */
  readonly reserve: { refused: Seen; lookUp: number; history: number; ready: number; accepted: number };
  /** The same with the disk filled to its last byte under a server that keeps no reserve. */
  readonly full: { refused: Seen; readable: number; live: number; accepted: number };
  readonly acknowledged: number;
  readonly counted: number;
  readonly exit: number | null;
}
interface Seen {
  readonly status: number;
  readonly detail: string;
  readonly retryAfter: string | null;
}

const folder = process.argv[2]!;
const phone = '+966500000055';
const ballast = join(folder, 'ballast');
const acknowledged = new Set<string>();
let sent = 0;

/** Writes until the disk takes no more, but for so many bytes. */
function fillDisk(leaving: number): void {
  const file = openSync(ballast, 'w');
  const piece = Buffer.alloc(64 * 1024);
  const held = openSync(`${ballast}-held`, 'w');
  try {
    for (let bytes = 0; bytes < leaving; bytes += piece.length) writeSync(held, piece);
    for (;;) if (writeSync(file, piece) < piece.length) break;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
    closeSync(held);
    rmSync(`${ballast}-held`);
  }
}

async function phase(
  env: Record<string, string>,
  leaving: number,
): Promise<{
  refused: Seen;
  meanwhile: Record<string, number>;
  accepted: number;
  exit: number | null;
}> {
  const server = await startServer({ SIJILL_DATA_DIR: join(folder, 'data'), SIJILL_LOG_LEVEL: 'error', ...env });
  const key = await server.key('producer', 'officer', 'admin');
  const send = async (): Promise<HttpAnswer<{ accepted?: { id: string }[]; detail?: string }>> => {
    const body = Array.from({ length: 50 }, () => disclosed(phone, { id: `event-${sent++}` }));
    const answer = await request<{ accepted?: { id: string }[]; detail?: string }>(`${server.url}/v1/events`, {
      key,
      body,
      type: BATCH,
    });
    if (answer.status === 201) for (const { id } of answer.body.accepted!) acknowledged.add(id);
    return answer;
  };
  await eventually(send, ({ status }) => status === 201);
  const lookUp = () =>
    request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
      key,
      body: { identifier: { scheme: 'phone', value: phone }, reason: 'test' },
    });
  const { subjectId } = (await eventually(lookUp, ({ status }) => status === 200)).body;

  fillDisk(leaving);
  const refused = await eventually(send, ({ status }) => status !== 201);
  const get = async (path: string, why: { reason?: string } = { reason: 'test' }): Promise<number> =>
    (await request(server.url + path, { key, ...why })).status;
  const meanwhile = {
    lookUp: (await lookUp()).status,
    history: await get(`/v1/subjects/${subjectId}/disclosures`),
    // With a reason it would name people, which is an entry: and the disk takes none.
    duplicates: await get('/v1/duplicates', {}),
    ready: await get('/health/ready'),
    live: await get('/health/live'),
  };
  rmSync(ballast);
  const accepted = (await eventually(send, ({ status }) => status === 201)).status;
  return {
    refused: {
      status: refused.status,
      detail: refused.body.detail ?? '',
      retryAfter: refused.headers.get('retry-after'),
    },
    meanwhile,
    accepted,
    exit: await server.kill(),
  };
}

const kept = await phase({ SIJILL_DISK_RESERVE: '16 MiB' }, 8 * 1024 * 1024);
const none = await phase({ SIJILL_DISK_RESERVE: '0' }, 0);

const server = await startServer({ SIJILL_DATA_DIR: join(folder, 'data'), SIJILL_LOG_LEVEL: 'error' });
const key = await server.key('officer');
const found = await request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
  key,
  body: { identifier: { scheme: 'phone', value: phone }, reason: 'test' },
});
const counted: string[] = [];
for (let cursor: string | null = ''; cursor !== null;) {
  const url: string = `${server.url}/v1/subjects/${found.body.subjectId}/disclosures?limit=500${cursor && `&cursor=${cursor}`}`;
  const { body }: HttpAnswer<{ items: { eventId: string }[]; next: string | null }> = await request(url, {
    key,
    reason: 'test',
  });
  counted.push(...body.items.map(({ eventId }) => eventId));
  cursor = body.next;
}
const outcome: FullDiskOutcome = {
  reserve: {
    refused: kept.refused,
    lookUp: kept.meanwhile['lookUp']!,
    history: kept.meanwhile['history']!,
    ready: kept.meanwhile['ready']!,
    accepted: kept.accepted,
  },
  full: {
    refused: none.refused,
    readable: none.meanwhile['duplicates']!,
    live: none.meanwhile['live']!,
    accepted: none.accepted,
  },
  acknowledged: acknowledged.size,
  counted: new Set(counted).size === counted.length ? counted.filter((id) => acknowledged.has(id)).length : -1,
  exit: await server.kill(),
};
process.stdout.write(JSON.stringify(outcome));
