// One of two processes on one ledger, which asks for, answers and fetches what needs two people; dies where it is told to. See
// test/faults/two-people-killed.
import type { Reader } from '@sijill/access';
import { ConfirmationRefused, type AnswerKind, type Confirmation } from '@sijill/cases';
import { drainOutbox, LANES, type NewEntry } from '@sijill/event-store';
import { systemClock } from '@sijill/platform';
import { openStoreAt } from '../open-store-at.js';
import { openDesk, type Places } from './desk.js';

/**
 * `inside`: everything is written and nothing committed. `committed`: and nobody told. `drained`: what was decided is in the store, and its
 * outbox was not told.
 */
export type Death = 'inside' | 'committed' | 'drained' | null;

export type Order = { readonly reader: Reader; readonly die: Death } & (
  | { readonly do: 'ask'; readonly entryId: string }
  | { readonly do: 'separate'; readonly subjectIds: readonly [string, string] }
  | { readonly do: 'answer'; readonly confirmationId: string; readonly kind: AnswerKind }
  | { readonly do: 'fetch'; readonly confirmationId: string }
);

/** The id of what was asked for, `done`, or why it was refused. */
export type Reply = string;

const [where = '', places = '{}'] = process.argv.slice(2);
const store = await openStoreAt(where);
const { vault, confirmations, separating } = await openDesk(JSON.parse(places) as Places, systemClock);
const { changeCases } = vault;

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  // The signal is on its way.
  for (;;);
}

function diesIn(at: Death): void {
  vault.changeCases =
    at !== 'inside' && at !== 'committed'
      ? changeCases
      : async (work) => {
          await changeCases.call(vault, async (change) => {
            await work(change);
            if (at === 'inside') die();
          });
          return die();
        };
}

async function drain(at: Death): Promise<void> {
  let appended = false;
  await drainOutbox(store, LANES.vault, {
    pending: async (after, limit) => {
      const rows = await vault.outbox.pending(after, limit);
      // Asked once more, it has appended what it was given before.
      if (at === 'drained' && appended) die();
      appended = rows.length > 0;
      return rows.map(({ number, entry }) => ({ number, entry: JSON.parse(entry) as NewEntry }));
    },
    done: async (upTo) => (at === 'drained' && appended ? die() : vault.assertReached(upTo)),
  });
}

async function done(order: Order): Promise<Reply> {
  const { reader } = order;
  const reason = 'a reason';
  switch (order.do) {
    case 'ask': {
      const about = { subjectIds: [], entryId: order.entryId };
      return (await confirmations.ask({ what: 'unseal', about, reason, reader })).confirmationId;
    }
    case 'separate':
      return ((await separating.separate(order.subjectIds, { reason, reader })) as Confirmation).confirmationId;
    case 'answer':
      await confirmations.answer(order.confirmationId, order.kind, { reason, reader });
      return 'done';
    case 'fetch':
      await confirmations.fetchable(order.confirmationId, reader.principal);
      await confirmations.takeResult(order.confirmationId, reader.principal);
      return 'done';
  }
}

async function obey(order: Order): Promise<Reply> {
  diesIn(order.die);
  try {
    const reply = await done(order);
    await drain(order.die);
    return reply;
  } catch (error) {
    if (error instanceof ConfirmationRefused) return error.code;
    throw error;
  }
}

process.on('message', (order: Order) => {
  void obey(order).then((reply) => process.send!(reply));
});
process.send!('ready');
