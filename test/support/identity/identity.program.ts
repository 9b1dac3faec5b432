// One of two processes that take events in and decide who is who, each with a memory and a lane of its own; dies where it is told to.
// See test/faults/identity-killed.
import { drainOutbox, Lane, LANES } from '@sijill/event-store';
import { EntryMaker } from '@sijill/intake';
import { vaultOutbox } from '@sijill/ledger';
import type { SqlTarget } from '@sijill/platform';
import { readKeyring, Vault } from '@sijill/vault';
import { disclosed } from '../events.js';
import { decide, type Decided, type Decision } from './decisions.js';
import type { NaiveIdentifier } from './naive-identity.js';
import { NOW, PRODUCERS } from './steps.js';
import { openStoreAt } from '../open-store-at.js';

/** An event about one person. */
export interface EventOrder {
  readonly number: number;
  readonly identifiers: readonly NaiveIdentifier[];
  readonly at: number;
  readonly by: number;
}

export type Order =
  | Decision
  | { readonly do: 'events'; readonly events: readonly EventOrder[]; readonly die: 'committed' | 'appended' | null }
  | { readonly do: 'drain'; readonly die: 'appended' | null };

/** To events the subjects of their entries. */
export type Reply = readonly string[] | Decided | 'drained';

const [where = '', target = '{}', keyring = '', laneName = ''] = process.argv.slice(2);
const store = await openStoreAt(where);
const clock = { now: () => NOW };
const vault = await Vault.open(JSON.parse(target) as SqlTarget, readKeyring(keyring), clock, 'SA', 500);
const maker = new EntryMaker(vault, clock);
const lane = await Lane.open(store, laneName, { onOtherWriter: 'stop', whenFull: 'refuse' });

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way.
  for (;;);
}

function arrived({ number, identifiers, at, by }: EventOrder): Parameters<EntryMaker['make']>[0][number] {
  const speaker = { ...PRODUCERS[by]!, sources: [] };
  const dataSubjects = [{ identifiers: identifiers.map(({ scheme, value }) => ({ scheme, value })), role: 'user' }];
  const time = new Date(at).toISOString();
  // Past the checks of the intake: here producers say what they may not say, too.
  const event = disclosed('', { id: `event-${number}`, time, sequence: String(number) }, { dataSubjects });
  return {
    accepted: { event: event as never, occurredAt: at, people: [{ identifiers }] },
    provenance: { speaker, principal: 'p-2', arrival: {} },
  };
}

async function events({ events: given, die: where }: Order & { do: 'events' }): Promise<Reply> {
  const entries = (await maker.make(given.map(arrived))).flatMap((made) => {
    if ('errors' in made) throw new Error(`an event was refused: ${JSON.stringify(made.errors)}`);
    return made.entries;
  });
  if (where === 'committed') die();
  await lane.append(entries);
  if (where === 'appended') die();
  return entries.map(({ subjectId }) => subjectId!);
}

async function drain({ die: where }: Order & { do: 'drain' }): Promise<Reply> {
  const source = vaultOutbox(vault);
  let reads = 0;
  await drainOutbox(store, LANES.vault, {
    pending: (after, limit) => {
      // The second read is behind the first append, and before anybody was told that it is done.
      if (where !== null && (reads += 1) > 1) die();
      return source.pending(after, Math.min(limit, 5));
    },
    done: (upTo) => {
      if (where !== null && reads > 0) die();
      return source.done(upTo);
    },
  });
  return 'drained';
}

function obey(order: Order): Promise<Reply> {
  if (order.do === 'events') return events(order);
  return order.do === 'drain' ? drain(order) : decide(vault, order);
}

process.on('message', (order: Order) => {
  void obey(order).then((reply) => process.send!(reply));
});
process.send!('ready');
