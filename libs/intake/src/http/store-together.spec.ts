import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXAMPLE_EVENT, type Speaker } from '@sijill/contracts';
import { Lane, leafText, openEmbeddedStore, StoreFull, type EventStore } from '@sijill/event-store';
import { systemClock } from '@sijill/platform';
import { hashLeafText, toHex } from '@sijill/transparency';
import { createKeyring, keyIdOf, readKeyring, SubjectErased, unseal, Vault } from '@sijill/vault';
import type { EntryCatalogue, EventKey } from '../entry-catalogue.js';
import { EntryMaker, type ArrivedEvent } from '../entry-maker.js';
import { readEvent } from '../read-event.js';
import { SeenEvents } from '../seen-events.js';
import { StoreTogether } from './store-together.js';

const LIMITS = { eventBytes: 262_144, dataSubjects: 1000, clockSkewSeconds: 300 };

const SPEAKER: Speaker = { producer: 'sms', realm: 'default', mayLink: true, sources: [] };

function ready(id: string, person = 0): ArrivedEvent {
  const identifiers = [{ scheme: 'phone', value: `+9665000000${10 + person}` }];
  const event = { ...EXAMPLE_EVENT, id, data: { ...EXAMPLE_EVENT.data, dataSubjects: [{ identifiers }] } };
  const reading = readEvent(event, { limits: LIMITS, defaultRegion: 'SA', now: Date.now(), speaker: SPEAKER });
  if ('errors' in reading) throw new Error(JSON.stringify(reading.errors));
  return { accepted: reading.accepted, provenance: { speaker: SPEAKER, principal: 'p', arrival: {} } };
}

describe('events of several callers', () => {
  let store: EventStore;
  let vault: Vault;
  let maker: EntryMaker;
  let together: StoreTogether;
  let questions: (readonly EventKey[])[];
  beforeEach(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sijill-together-'));
    createKeyring(join(folder, 'keyring.json'), '2026-07-01T00:00:00.000Z');
    const keyring = readKeyring(join(folder, 'keyring.json'));
    vault = await Vault.open({ kind: 'sqlite', file: join(folder, 'vault.sqlite') }, keyring, systemClock, 'SA');
    store = openEmbeddedStore({ file: join(folder, 'ledger.sqlite') });
    questions = [];
    const catalogue = {
      position: async () => 0,
      known: async (keys: readonly EventKey[]) => (questions.push(keys), keys.map(() => false)),
    } as Pick<EntryCatalogue, 'position' | 'known'> as EntryCatalogue;
    maker = new EntryMaker(vault, systemClock);
    const lane = await Lane.open(store, 'ledger-a', { onOtherWriter: 'stop', whenFull: 'refuse' });
    together = new StoreTogether(lane, maker, new SeenEvents(catalogue));
  });
  afterEach(async () => {
    await store.close();
    await vault.close();
  });

  const stored = async (): Promise<unknown[]> => {
    const ids: unknown[] = [];
    for await (const { id, sealed } of store.readStream('ledger-a')) {
      const secret = await vault.secrets.byId(keyIdOf(sealed['subject']!));
      const own = unseal(secret!, `${id}/subject`, sealed['subject']!).toString('utf8');
      ids.push((JSON.parse(own) as { eventId: string }).eventId);
    }
    return ids;
  };

  it('are made ready together, each caller is told of its own, and a repeat among them is seen', async () => {
    const answers = await Promise.all([
      together.store([ready('a', 1), ready('b', 2)]),
      together.store([ready('c', 1)]),
      together.store([ready('a', 3)]),
    ]);
    expect(answers.map(({ outcomes }) => outcomes.map((each) => 'entries' in each && each.duplicate))).toEqual([
      [false, false],
      [false],
      [true],
    ]);
    expect(questions).toHaveLength(1);
    expect(await stored()).toEqual(['a', 'b', 'c', 'a']);
    const leaves: string[] = [];
    for await (const batch of store.readTexts())
      leaves.push(...batch.map((entry) => toHex(hashLeafText(leafText(entry)))));
    expect(answers.map(({ leafHashes }) => leafHashes)).toEqual([leaves.slice(0, 2), [leaves[2]], [leaves[3]]]);
  });

  it('do not share the failure of one of them', async () => {
    const make = maker.make.bind(maker);
    maker.make = async (batch) => {
      if (batch.some(({ accepted }) => accepted.event.id === 'erased')) throw new SubjectErased('someone');
      return make(batch);
    };
    const answers = await Promise.allSettled([
      together.store([ready('a')]),
      together.store([ready('erased')]),
      together.store([ready('b')]),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await stored()).toEqual(['a', 'b']);
  });

  it('are no repeats when they come again after their append was refused', async () => {
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new StoreFull('no room'));
    await expect(together.store([ready('a')])).rejects.toBeInstanceOf(StoreFull);
    store.append = append;
    const { outcomes } = await together.store([ready('a')]);
    expect(outcomes).toMatchObject([{ duplicate: false }]);
    expect(await stored()).toEqual(['a']);
  });
});
