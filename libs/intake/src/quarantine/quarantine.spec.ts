import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ledgerEntry, openEmbeddedStore, type EventStore, type NewEntry } from '@sijill/event-store';
import { systemClock } from '@sijill/platform';
import { createKeyring, readKeyring, Vault } from '@sijill/vault';
import { Quarantine } from './quarantine.js';

const LANE = 'ledger-kafka/one/topic/0';
const speaker = { producer: 'sms', realm: 'default', mayLink: false, sources: [] };

describe('a record in quarantine', () => {
  let vault: Vault;
  let store: EventStore;
  let quarantine: Quarantine;
  // Over a megabyte, so that it becomes three entries.
  const value = randomBytes(1_200_000);
  const made = async (): Promise<NewEntry[]> => {
    const provenance = { speaker, principal: 'p', arrival: { kafka: { topic: 'topic', partition: 0, offset: 7 } } };
    const errors = [{ path: 'id', code: 'required', message: 'id is missing' }];
    const record = { value, headers: {}, errors, source: null, eventId: null, provenance };
    return (await quarantine.make([record as never]))[0]!;
  };
  const write = async (entries: readonly NewEntry[]): Promise<void> => {
    for (const entry of entries) await store.append(LANE, [entry], 'any');
  };
  const openAt = async (revision: number): Promise<string> => {
    const opened = await quarantine.open(store, LANE, revision);
    if (typeof opened === 'string') return opened;
    return opened.raw.value?.equals(value) === true ? 'as it came' : 'something else';
  };
  beforeEach(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sijill-quarantine-'));
    createKeyring(join(folder, 'keyring.json'), '2026-07-01T00:00:00.000Z');
    const target = { kind: 'sqlite', file: join(folder, 'vault.sqlite') } as const;
    vault = await Vault.open(target, readKeyring(join(folder, 'keyring.json')), systemClock, 'SA');
    store = openEmbeddedStore({ file: join(folder, 'ledger.sqlite') }) as unknown as EventStore;
    quarantine = new Quarantine(vault, systemClock);
  });
  afterEach(async () => {
    await store.close();
    await vault.close();
  });

  it('opens as it came, also when a crash cut it and its rest was made anew', async () => {
    const [first, second] = [await made(), await made()];
    expect(first).toHaveLength(3);
    await write([...first.slice(0, 2), ...second.slice(2)]);
    expect(await openAt(0)).toBe('as it came');
  });

  it('is cut where a crash came and it became something else then, and says so', async () => {
    const [first, again] = [await made(), await made()];
    await write(first.slice(0, 2));
    expect(await openAt(0)).toBe('cut');
    await write([ledgerEntry('sijill.data.used.v1', Date.now(), {}, { principal: 'p' })]);
    expect(await openAt(0)).toBe('cut');
    await write(again);
    expect(await openAt(0)).toBe('cut');
    expect(await openAt(3)).toBe('as it came');
  });
});
