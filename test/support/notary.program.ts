// A notary as a process of its own, to be killed. See test/faults/notary.
import { Lane, openEmbeddedStore, openEventStoreDb } from '@sijill/event-store';
import { logSigner, LogStore, Notary } from '@sijill/notary';
import { claimOf, createLogger, Metrics, systemClock } from '@sijill/platform';

const [where = '', file = '', claim = ''] = process.argv.slice(2);
const store = where.startsWith('esdb:')
  ? await openEventStoreDb({ connectionString: where })
  : openEmbeddedStore({ file: where, pollMs: 10 });
const notary = new Notary(store, await LogStore.open({ kind: 'sqlite', file }), {
  claim: claimOf({ kind: 'sqlite', file: claim }, 'notary'),
  signer: logSigner('log.example/ledger', [new Uint8Array(32).fill(7)]),
  clock: systemClock,
  metrics: new Metrics(),
  logger: createLogger('silent'),
  lane: () => Lane.open(store, 'ledger-notary', { onForeignWrite: 'follow', whenFull: 'refuse' }),
  signEveryMs: 20,
});
notary.start();
process.send?.('ready');
setInterval(() => undefined, 1000);
