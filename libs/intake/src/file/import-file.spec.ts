import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXAMPLE_EVENT, type Speaker } from '@sijill/contracts';
import { openEmbeddedStore, type EventStore, type StoredEntry } from '@sijill/event-store';
import { systemClock } from '@sijill/platform';
import { createKeyring, readKeyring, Vault } from '@sijill/vault';
import { EntryMaker } from '../entry-maker.js';
import { SeenEvents } from '../seen-events.js';
import { importFile, type ImportResult } from './import-file.js';

const LIMITS = { eventBytes: 262_144, dataSubjects: 1000, clockSkewSeconds: 300 };

/** One line: an event about so many people. */
function line(id: string, people = 1): string {
  const dataSubjects = Array.from({ length: people }, (_, i) => ({
    identifiers: [{ scheme: 'phone', value: `+9665000000${10 + i}` }],
  }));
  return `${JSON.stringify({ ...EXAMPLE_EVENT, id, data: { ...EXAMPLE_EVENT.data, dataSubjects } })}\n`;
}

describe('an import', () => {
  let folder: string;
  let store: EventStore;
  let vault: Vault;
  /** What the read models know: everything that was stored. */
  const known = new Set<string>();
  beforeEach(async () => {
    known.clear();
    folder = mkdtempSync(join(tmpdir(), 'sijill-import-spec-'));
    const keyring = createKeyring(join(folder, 'keyring.json'), '2026-07-01T00:00:00.000Z');
    vault = await Vault.open(
      { kind: 'sqlite', file: join(folder, 'vault.sqlite') },
      keyring ?? readKeyring(join(folder, 'keyring.json')),
      systemClock,
      'SA',
    );
    store = openEmbeddedStore({ file: join(folder, 'ledger.sqlite') });
  });
  afterEach(async () => {
    await store.close();
    await vault.close();
  });

  const run = async (file: string, speaker: Partial<Speaker> = {}): Promise<ImportResult> => {
    const seen = new SeenEvents({
      position: async () => Number.MAX_SAFE_INTEGER,
      known: async (keys) => keys.map(({ tag }) => known.has(tag)),
      locate: async () => null,
      replayOf: async () => null,
    });
    const result = await importFile(file, {
      store,
      maker: new EntryMaker(vault, systemClock),
      seen,
      clock: systemClock,
      limits: LIMITS,
      defaultRegion: 'SA',
      speaker: { producer: 'import', realm: 'default', mayLink: true, sources: [], ...speaker },
      principal: 'command-line',
    });
    for (const { metadata } of await entries()) known.add((metadata['event'] as { tag: string }).tag);
    return result;
  };
  const entries = async (): Promise<StoredEntry[]> => {
    const all: StoredEntry[] = [];
    for await (const batch of store.readAll()) all.push(...batch);
    return all;
  };
  const fileOf = (name: string, ...lines: string[]): string => {
    writeFileSync(join(folder, name), lines.join(''));
    return join(folder, name);
  };

  it('is told apart by producer: the same file in the name of another holds other events', async () => {
    const file = fileOf('a.ndjson', line('a'), line('b'));
    expect(await run(file)).toMatchObject({ lines: 2, accepted: 2, duplicates: 0, rejected: [] });
    expect(await run(file)).toMatchObject({ accepted: 0, duplicates: 2, rejected: [] });
    expect(await run(file, { producer: 'billing' })).toMatchObject({ accepted: 2, duplicates: 0, rejected: [] });
    const found = await entries();
    expect(found.map(({ metadata }) => [metadata['producer'], metadata['principal'], metadata['file']])).toEqual(
      ['import', 'import', 'billing', 'billing'].map((producer, i) => [
        producer,
        'command-line',
        { sha256: expect.any(String) as string, line: (i % 2) + 1 },
      ]),
    );
    expect(new Set(found.map(({ stream }) => stream)).size).toBe(2);
  });

  it('keeps to what its producer may say', async () => {
    const file = fileOf('a.ndjson', line('a'), line('b').replace('/sms/gateway', '/billing/invoices'));
    const { accepted, rejected } = await run(file, { sources: ['/billing'] });
    expect(accepted).toBe(1);
    expect(rejected).toMatchObject([{ line: 1, errors: [{ path: 'source', code: 'foreign_source' }] }]);
  });

  it.each([
    ['goes on in the middle of an event', 3, [0, 1, 2]],
    ['writes it whole where it is otherwise now', 4, [0, 1, 0, 1, 2]],
  ])('that was cut %s, and drops no line beside it', async (_, of, parts) => {
    const file = fileOf('a.ndjson', line('a'), line('b', 3), line('c'));
    await run(file);
    const [first, ...others] = await entries();
    const lane = first!.stream;
    await store.close();
    store = openEmbeddedStore({ file: join(folder, 'cut.sqlite') });
    const cut = others
      .slice(0, 2)
      .map((entry, index) => ({ ...entry, metadata: { ...entry.metadata, part: { index, of } } }));
    await store.append(lane, [first!, ...cut], 'no_stream');
    known.clear();
    expect(await run(file)).toMatchObject({ lines: 3, accepted: 2, rejected: [{ line: 1 }] });
    const found = (await entries()).map(({ metadata }) => [
      (metadata['file'] as { line: number }).line,
      (metadata['part'] as { index: number } | undefined)?.index,
    ]);
    expect(found).toEqual([[1, undefined], ...parts.map((index) => [2, index]), [3, undefined]]);
  });

  it('reads a pipe once, into the lane that its content has as a file, and leaves nothing of it behind', async () => {
    const text = Array.from({ length: 400 }, (_, i) => line(`event-${i}`)).join('');
    const file = fileOf('a.ndjson', text);
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const left = (): string[] =>
      readdirSync(tmpdir()).filter((name) => name.startsWith('sijill-import-') && !name.includes('spec'));
    const before = left();
    const writing = spawn('sh', ['-c', `cat '${file}' > '${pipe}'`]);
    expect(await run(pipe)).toMatchObject({ lines: 400, accepted: 400, duplicates: 0, rejected: [] });
    expect(writing.exitCode ?? 0).toBe(0);
    expect(left()).toEqual(before);
    expect(await run(file)).toMatchObject({ accepted: 0, duplicates: 400 });
    expect(new Set((await entries()).map(({ stream }) => stream)).size).toBe(1);
  });

  it('says which file cannot be read, and why', async () => {
    await expect(run(join(folder, 'none'))).rejects.toThrow(/none cannot be read: ENOENT/);
    await expect(run(folder)).rejects.toThrow(/cannot be read: EISDIR/);
  });
});
