import { openEmbeddedStore, openEventStoreDb } from '@sijill/event-store';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authentic } from '../support/entry-keys.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { freshDataDir } from '../support/sijill.js';
import { eventStoreModel } from './event-store.model.js';

describe('the embedded store', () => {
  eventStoreModel(async () => {
    const file = join(freshDataDir('model'), 'ledger.sqlite');
    const handle = {
      store: authentic(openEmbeddedStore({ file, pollMs: 10 })),
      restart: async () => {
        await handle.store.close();
        return authentic(openEmbeddedStore({ file, pollMs: 10 }));
      },
    };
    return handle;
  });
});

// The stand-in, since a restart takes the server along.
describe('EventStoreDB, the stand-in', () => {
  let standIn: StandIn;
  afterAll(() => standIn.stop());

  eventStoreModel(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'stand-in-'));
    standIn = await startEventStoreDbStandIn({ dataDir });
    const open = async () => authentic(await openEventStoreDb({ connectionString: standIn.connectionString }));
    const handle = {
      store: await open(),
      restart: async () => {
        await handle.store.close();
        await standIn.stop();
        standIn = await startEventStoreDbStandIn({ port: standIn.port, dataDir });
        return open();
      },
    };
    return handle;
  });
});
