import { join } from 'node:path';
import { assertEdition, ledgerEntry, openEmbeddedStore, StoreRefused, type KeylessStore } from '@sijill/event-store';
import { authentic, intrude } from '../support/entry-keys.js';
import { freshDataDir } from '../support/sijill.js';

describe('the edition of a store', () => {
  let store: KeylessStore;
  beforeEach(() => {
    store = openEmbeddedStore({ file: join(freshDataDir('edition'), 'ledger.sqlite') });
  });
  afterEach(() => store.close());

  const event = (metadata: object) => ({ id: 'x', type: 'y', data: '{}', metadata: JSON.stringify(metadata) });

  it('is taken when there is nothing, or an entry of this one, or whatever somebody else has put there', async () => {
    await assertEdition(store);
    await intrude(store, 'ledger-a', { ...event({}), metadata: 'no JSON' });
    await assertEdition(store);
    await authentic(store).append('ledger-b', [ledgerEntry('ledger.tested', 0, {})], 'no_stream');
    await assertEdition(store);
    await intrude(store, 'ledger-a', event({ recordedAt: '2026-08-01T10:00:00.000Z', salt: 's' }));
    await assertEdition(store);
  });

  it('is refused with a sentence when its first entry is of the first', async () => {
    await intrude(store, 'ledger-a', event({ recordedAt: '2026-08-01T10:00:00.000Z', salt: 's', producer: null }));
    await expect(assertEdition(store)).rejects.toBeInstanceOf(StoreRefused);
    await expect(assertEdition(store)).rejects.toThrow(/a ledger of the first edition.*start with an empty store/);
  });
});
