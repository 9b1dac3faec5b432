import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Lane, nodeLane, type EntryText, type NewEntry } from '@sijill/event-store';
import { LogStore, Notary, ReceiptKeys, Receipts } from '@sijill/notary';
import { claimOf, createLogger, Metrics } from '@sijill/platform';
import {
  formatNote,
  formatLosses,
  formatReceiptKeys,
  formatVerifierKey,
  parseNote,
  parseReceipt,
  RECEIPT_KEY_INTRODUCED,
  RECEIPT_KEYS_LANE,
  receiptKey,
  signerOf,
  utf8,
  verifierKey,
  verifyReceipt,
  type ReceiptSource,
  type Signer,
  type Trust,
  type VerifiedReceipt,
} from '@sijill/transparency';
import { disclosureEntry } from '../support/disclosure-entries.js';
import { intrude } from '../support/entry-keys.js';
import { FaultyStore } from '../support/faulty-store.js';
import { LOG_IDENTITY, testSigner } from '../support/log-identity.js';
import { eventually, freshDataDir } from '../support/sijill.js';
import { embeddedPlace, eventStoreDbPlace, type StorePlace } from '../support/store-places.js';

const PROMISE_MS = 60_000;
const signer = signerOf(new Uint8Array(32).fill(90));
const logKey = verifierKey(LOG_IDENTITY.origin, 'ed25519', testSigner(1).publicKey);
const trust: Trust = { log: [logKey] };

/** A store as a notary sees it who takes an entry for none. */
class WithholdingStore extends FaultyStore {
  withheld: string | null = null;

  override async *followTexts(options: { after: number; signal: AbortSignal }): AsyncGenerator<EntryText[]> {
    for await (const batch of this.real.followTexts(options)) {
      const left = batch.filter(({ id }) => id !== this.withheld);
      if (left.length > 0) yield left;
    }
  }
}

describe.each<[string, () => Promise<StorePlace>]>([
  ['the embedded store', embeddedPlace],
  ['EventStoreDB', eventStoreDbPlace],
])('receipts, over %s,', (_, open) => {
  let place: StorePlace;
  let store: WithholdingStore;
  let log: LogStore;
  let keys: ReceiptKeys;
  let source: ReceiptSource;
  let folder: string;
  let aheadMs = 0;
  let sent = 0;
  const clock = { now: () => Date.now() + aheadMs };
  const metrics = new Metrics();
  const logger = createLogger('silent');
  const running: { stop(): Promise<void> }[] = [];
  beforeEach(async () => {
    place = await open();
    folder = freshDataDir('receipts');
    store = new WithholdingStore(place.store);
    log = await LogStore.open({ kind: 'sqlite', file: join(folder, 'log.sqlite') });
    const published = (): ReturnType<LogStore['checkpoint']> => log.checkpoint();
    keys = new ReceiptKeys(store, log, { clock, published });
    source = {
      isLive: true,
      receiptKeys: async () => formatReceiptKeys(await keys.announced()),
      losses: () => Promise.resolve(formatLosses([])),
      checkpoint: async () => (await log.checkpoint())!.note,
      tile: async (at) => (await log.tiles([at]))[0]!,
    };
    aheadMs = 0;
  });
  afterEach(async () => {
    for (const one of running.splice(0).reverse()) await one.stop();
    await log.close();
    await place.stop();
  });

  const startNotary = (): Notary => {
    const notary = new Notary(store, log, {
      claim: claimOf({ kind: 'sqlite', file: join(folder, 'claim') }, 'notary'),
      identity: LOG_IDENTITY,
      clock,
      metrics,
      logger,
      lane: () => Lane.open(store, nodeLane('notary'), { onOtherWriter: 'follow', whenFull: 'refuse' }),
      signEveryMs: 20,
    });
    running.push(notary);
    notary.start();
    return notary;
  };
  const receiptsOf = (by: Signer = signer): Receipts => {
    const receipts = new Receipts(store, {
      ...{ log: LOG_IDENTITY.origin, signer: () => Promise.resolve(by), keys, clock, metrics, logger },
      published: () => log.checkpoint(),
      promiseMs: PROMISE_MS,
      everyMs: 20,
    });
    running.push(receipts);
    receipts.start();
    return receipts;
  };
  const given = async (receipts: Receipts): Promise<Receipts> => {
    await eventually(
      async () => receipts.failure,
      (failure) => failure === null,
    );
    return receipts;
  };
  const lane = (name = 'ledger-http/a'): Promise<Lane> =>
    Lane.open(store, name, { onOtherWriter: 'stop', whenFull: 'refuse', settleWithinMs: 60_000 });
  const events = (count: number): NewEntry[] =>
    Array.from({ length: count }, () => disclosureEntry(`event-${sent}`, { n: sent++ }));
  /** Stores entries, and what was promised for them. */
  const stored = async (to: Lane, receipts: Receipts, entries: readonly NewEntry[]): Promise<string | null> => {
    const { leaves } = receipts;
    const { leafHashes } = await to.append(entries);
    return receipts.give(
      entries.map(({ id }, i) => ({ entryId: id, leafHash: leafHashes[i]! })),
      leaves,
    );
  };
  const covered = async (): Promise<void> => {
    const end = await store.head();
    await eventually(
      () => log.checkpoint(),
      (last) => (last?.position ?? 0) >= end,
    );
  };
  const verify = (receipt: string, askedAt: number | null = null): Promise<VerifiedReceipt> =>
    verifyReceipt(receipt, source, trust, { askedAt });

  it('are kept by a log that takes everything in, whatever becomes of an append', async () => {
    startNotary();
    const receipts = await given(receiptsOf());
    const to = await lane();
    const all: string[] = [];
    for (const faults of [[], ['fail before'], ['fail after'], ['unavailable', 'fail after']] as const) {
      store.faults = [...faults];
      const receipt = await stored(to, receipts, events(300));
      const { log: name, acceptedAt, dueAt, entries } = parseReceipt(parseNote(receipt!).text);
      expect([name, entries.length]).toEqual([LOG_IDENTITY.origin, 300]);
      expect(Date.parse(dueAt) - Date.parse(acceptedAt)).toBe(PROMISE_MS);
      all.push(receipt!);
    }
    await covered();
    for (const receipt of all) {
      const verified = await verify(receipt);
      expect([verified.verdict, verified.held.length, verified.missing]).toEqual(['kept', 300, []]);
    }
  });

  it('are not given before the log has announced the key, nor while it is behind', async () => {
    const receipts = receiptsOf();
    await eventually(
      () => store.head(),
      (head) => head > 0,
    );
    const to = await lane();
    expect(await stored(to, receipts, events(1))).toBeNull();
    expect(receipts.failure).toContain('not announced');
    const notary = startNotary();
    await given(receipts);
    const early = await stored(to, receipts, events(1));
    await covered();
    expect((await verify(early!)).verdict).toBe('kept');

    await notary.stop();
    const missed = await stored(to, receipts, events(1));
    // Nobody notices at once; the receipt says by when, and is not kept.
    expect(missed).not.toBeNull();
    aheadMs = PROMISE_MS / 2 + 5_000;
    expect(await stored(to, receipts, events(1))).toBeNull();
    expect(receipts.failure).toContain('behind');
    expect((await verify(missed!, clock.now())).verdict).toBe('pending');
    expect((await verify(missed!, clock.now() + PROMISE_MS)).verdict).toBe('broken');
    startNotary();
    await given(receipts);
    expect((await verify(missed!)).verdict).toBe('kept');
  });

  it('show a log that leaves an entry out, and which', async () => {
    startNotary();
    const receipts = await given(receiptsOf());
    const entries = events(600);
    // The last of its lane, for the notary itself would miss another.
    store.withheld = entries.at(-1)!.id;
    const receipt = await stored(await lane(), receipts, entries);
    await (await lane('ledger-http/b')).append(events(1));
    await covered();
    const { verdict, missing, held } = await verify(receipt!, clock.now() + 2 * PROMISE_MS);
    expect([verdict, missing.map(({ id }) => id), held.length]).toEqual(['broken', [store.withheld], 599]);
    expect((await verify(receipt!, clock.now())).verdict).toBe('pending');
  });

  it('are signed with keys that are announced once each, whoever does it at the same time', async () => {
    const other = signerOf(new Uint8Array(32).fill(91));
    const [mine, theirs] = [signer, other].map(({ publicKey }) => receiptKey(LOG_IDENTITY.origin, publicKey));
    await Promise.all([mine!, theirs!, mine!, theirs!, mine!].map((key) => keys.announce(key)));
    startNotary();
    await covered();
    const announced = (await keys.announced()).map(
      ({ leaf }) => (JSON.parse(leaf) as { data: { key: string } }).data.key,
    );
    expect(announced.sort()).toEqual([mine!, theirs!].map(formatVerifierKey).sort());
    // After a rotation what the old key has signed is checked as before.
    const to = await lane();
    const both = [await given(receiptsOf()), await given(receiptsOf(other))];
    const signed: string[] = [];
    for (const receipts of both) signed.push((await stored(to, receipts, events(2)))!);
    await covered();
    for (const receipt of signed) expect((await verify(receipt)).verdict).toBe('kept');
  });

  it('are not believed of a key that somebody else has put into the lane of announcements', async () => {
    const stranger = signerOf(new Uint8Array(32).fill(92));
    const key = receiptKey(LOG_IDENTITY.origin, stranger.publicKey);
    const data = JSON.stringify({ key: formatVerifierKey(key), occurredAt: '2026-07-01T00:00:00.000Z' });
    const forged = { type: RECEIPT_KEY_INTRODUCED, data, metadata: '{"format":2}' };
    const intruder = (): Promise<unknown> => intrude(place.keyless, RECEIPT_KEYS_LANE, { id: randomUUID(), ...forged });
    await intruder();
    startNotary();
    const receipts = await given(receiptsOf());
    await intruder();
    const receipt = await stored(await lane(), receipts, events(1));
    await covered();
    expect(await keys.announced()).toHaveLength(1);
    expect((await verify(receipt!)).verdict).toBe('kept');
    const { text } = parseNote(receipt!);
    const bytes = await stranger.sign(utf8(text));
    const theirs = formatNote({ text, signatures: [{ name: key.name, id: key.id, bytes }] });
    await expect(verify(theirs, clock.now())).rejects.toThrow('not signed with a key that the log has announced');
    // Nor where the log would list it: its leaf says what it is.
    const lines = JSON.parse(await source.receiptKeys()) as { announcements: { leaf: string }[] };
    const copied = lines.announcements[0]!.leaf.replace(/"key":"[^"]*"/, `"key":"${formatVerifierKey(key)}"`);
    lines.announcements[0]!.leaf = copied;
    const lying = { ...source, receiptKeys: () => Promise.resolve(JSON.stringify(lines)) };
    await expect(verifyReceipt(theirs, lying, trust, { askedAt: null })).rejects.toThrow('does not hold');
  });

  it('are left out, and nothing else, when the key cannot sign or there is too much to sign', async () => {
    startNotary();
    const broken: Signer = { ...signer, sign: () => Promise.reject(new Error('away')) };
    const to = await lane();
    expect(await stored(to, await given(receiptsOf(broken)), events(1))).toBeNull();
    const receipts = await given(receiptsOf());
    const many = Array.from({ length: 10_001 }, () => ({ entryId: randomUUID(), leafHash: 'ab'.repeat(32) }));
    expect(await receipts.give(many, 0)).toBeNull();
    expect(await receipts.give([], 0)).toBeNull();
    expect(await receipts.give(many.slice(0, 1), 0)).not.toBeNull();
  });
});
