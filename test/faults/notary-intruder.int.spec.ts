import { join } from 'node:path';
import {
  entryText,
  leafText,
  nodeLane,
  Lane,
  openEmbeddedStore,
  openEventStoreDb,
  type EntryText,
  type AuthenticStore,
  type KeylessStore,
  type RawEvent,
} from '@sijill/event-store';
import {
  checkRange,
  fromTiles,
  GrowingLog,
  inForce,
  lastAnnounced,
  LogKeys,
  logSigner,
  LogStore,
  MapKeeper,
  MapStore,
  Notary,
  proveEntry,
  verifyStore,
  type NotaryState,
  type SignedCheckpoint,
} from '@sijill/notary';
import { claimOf, createLogger, Metrics, newEntryId, systemClock } from '@sijill/platform';
import {
  canonicalJson,
  followKeys,
  formatKeyChain,
  formatVerifierKey,
  isRefusal,
  KEY_INTRODUCED,
  KEY_RETIRED,
  KEYS_LANE,
  MAP_LANE,
  parseNote,
  readLeaf,
  signersOf,
  signingKey,
  SUBJECTS_MAPPED,
  treeRoot,
  toHex,
  utf8,
  verifierKey,
  verifyLeaf,
} from '@sijill/transparency';
import { disclosureEntry, SUBJECTS } from '../support/disclosure-entries.js';
import { appendTo, AUTHENTICATOR, authentic, intrude } from '../support/entry-keys.js';
import { startEventStoreDbStandIn } from '../support/eventstoredb/stand-in.js';
import { LOG_IDENTITY, testSigner } from '../support/log-identity.js';
import { eventually, freshDataDir } from '../support/sijill.js';

const LANE = 'ledger-http/node-1';
const keys = [1, 2].map((generation) => logSigner(LOG_IDENTITY.origin, [testSigner(generation)]).keys[0]!);
/** A key of somebody's own, in the log's name. */
const theirs = verifierKey(LOG_IDENTITY.origin, 'ed25519', signingKey(new Uint8Array(32).fill(99)).publicKey);

describe.each<[string, () => Promise<{ keyless: KeylessStore; stop: () => Promise<void> }>]>([
  [
    'the embedded store',
    async () => {
      const keyless = openEmbeddedStore({ file: join(freshDataDir('intruder'), 'ledger.sqlite'), pollMs: 10 });
      return { keyless, stop: () => keyless.close() };
    },
  ],
  [
    'EventStoreDB',
    async () => {
      const standIn = await startEventStoreDbStandIn();
      const keyless = await openEventStoreDb({ connectionString: standIn.connectionString });
      return { keyless, stop: () => keyless.close().then(() => standIn.stop()) };
    },
  ],
])('somebody who can write to %s and has no key', (_, open) => {
  let keyless: KeylessStore;
  let stop: () => Promise<void>;
  let store: AuthenticStore;
  let folder: string;
  let log: LogStore;
  let maps: MapStore;
  let foreign: EntryText[];
  let written = 0;
  const running: Notary[] = [];
  beforeEach(async () => {
    ({ keyless, stop } = await open());
    store = authentic(keyless);
    folder = freshDataDir('intruder-log');
    log = await LogStore.open({ kind: 'sqlite', file: join(folder, 'log.sqlite') });
    maps = await MapStore.open({ kind: 'sqlite', file: join(folder, 'map.sqlite') });
    foreign = [];
  });
  afterEach(async () => {
    for (const notary of running.splice(0)) await notary.stop();
    await log.close();
    await maps.close();
    await stop();
  });

  const write = (count: number): Promise<unknown> =>
    appendTo(
      store,
      LANE,
      Array.from({ length: count }, () => disclosureEntry(`event-${written}`, { n: written++ })),
    );
  const startNotary = (): Notary => {
    const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
    const notary = new Notary(store, log, {
      ...parts,
      claim: claimOf({ kind: 'sqlite', file: join(folder, 'claim') }, 'notary'),
      identity: LOG_IDENTITY,
      subjects: new MapKeeper(store, log, maps, { ...parts, everyMs: 30 }),
      lane: () => Lane.open(store, nodeLane('notary'), { onOtherWriter: 'follow', whenFull: 'refuse' }),
      onForeign: (events) => foreign.push(...events),
      signEveryMs: 20,
    });
    running.push(notary);
    notary.start();
    return notary;
  };
  const state = (notary: Notary, wanted: NotaryState): Promise<NotaryState> =>
    eventually(
      async () => notary.health.state,
      (now) => now === wanted,
    );
  const logKeys = (): LogKeys =>
    new LogKeys(store, log, LOG_IDENTITY, {
      clock: systemClock,
      published: () => log.checkpoint(),
      cosigned: { needed: 0, wanted: 0 },
    });
  /** The last checkpoint, once it covers the end of the store as it is now. */
  const signed = async (): Promise<SignedCheckpoint> => {
    const end = await store.head();
    const last = await eventually(
      () => log.checkpoint(),
      (checkpoint) => (checkpoint?.position ?? 0) >= end,
    );
    return last!;
  };
  const signers = ({ note }: SignedCheckpoint): string[] =>
    signersOf(parseNote(note), [...keys, theirs]).map(formatVerifierKey);
  const mapped = async (): Promise<void> => {
    const { size } = await log.head();
    await eventually(
      () => maps.head(),
      (head) => head.size >= size,
    );
  };
  const last = async (lane: string): Promise<RawEvent> => {
    for await (const event of keyless.events.readStream(lane, { direction: 'backwards', limit: 1 })) return event;
    throw new Error(`${lane} is empty`);
  };
  const verified = (): ReturnType<typeof verifyStore> =>
    verifyStore(keyless, log, {
      trust: { log: [keys[0]!] },
      check: (range, size) => checkRange(keyless, log, size, range, AUTHENTICATOR),
      hands: 1,
      maps,
    });

  it('has no key, no map and no entry believed: not by a notary that signs over it, nor by whoever verifies, with or without a key', async () => {
    await write(20);
    const notary = startNotary();
    await signed();
    await logKeys().introduce();
    expect(signers(await signed())).toEqual(keys.map(formatVerifierKey));
    await mapped();
    const [realKey, realMap, realEntry] = [await last(KEYS_LANE), await last(MAP_LANE), await last(LANE)];
    const head = canonicalJson({ format: 2, principal: 'ledger', producer: null, recordedAt: '2026-08-01', salt: 's' });
    const beside = realKey.metadata.slice(realKey.metadata.indexOf(',"~":'));
    const made = (type: string, data: object): Omit<RawEvent, 'stream' | 'revision' | 'position'>[] =>
      [head, head.slice(0, -1) + beside].map((metadata) => ({
        ...{ id: newEntryId(), type, metadata },
        data: canonicalJson({ occurredAt: '2026-08-01T10:00:00.000Z', ...data }),
      }));
    const forged = [
      ...made(KEY_INTRODUCED, { generation: 3, key: formatVerifierKey(theirs) }),
      ...made(KEY_RETIRED, { generation: 1, key: formatVerifierKey(keys[0]!) }),
      ...made(KEY_RETIRED, { generation: 9, key: 'none' }),
      ...made(SUBJECTS_MAPPED, { root: Buffer.alloc(32, 7).toString('base64'), size: '1', chains: '9' }),
      ...made(SUBJECTS_MAPPED, { root: Buffer.alloc(32, 7).toString('base64'), size: '999999', chains: '9' }),
      ...made('sijill.data.disclosed.v1', { subjectId: SUBJECTS[0], purpose: 'provide_services' }),
      ...[realKey, realMap, realEntry],
      { id: 'not an id', type: KEY_INTRODUCED, data: '[]', metadata: 'null' },
    ];
    const lanes = [KEYS_LANE, MAP_LANE, LANE, 'ledger-elsewhere'];
    // Whatever EventStoreDB takes as an id.
    const placed = forged.map((event) => (/^[\w-]{36}$/.test(event.id) ? event : { ...event, id: newEntryId() }));
    for (const event of placed) for (const lane of lanes) await intrude(keyless, lane, event);
    const count = placed.length * lanes.length;

    await write(20);
    expect(signers(await signed())).toEqual(keys.map(formatVerifierKey));
    expect(notary.health.state).toBe('running');
    expect(foreign).toHaveLength(count);
    expect(inForce(await logKeys().all()).map(({ generation }) => generation)).toEqual([1, 2]);
    await mapped();
    // Each has been told of in two kinds of entries.
    expect(await maps.head()).toMatchObject({ chains: 2 * SUBJECTS.length });
    const map = await eventually(
      () => lastAnnounced(store),
      (announced) => (announced?.size ?? 0) > count,
    );
    expect(map!.entry.foreign).toBe(false);

    // Keys can be changed, maps written and lanes appended to behind it as before.
    await logKeys().retire(1);
    expect(signers(await signed())).toEqual([formatVerifierKey(keys[1]!)]);
    await write(5);
    await mapped();
    await signed();

    // What a verifier is given of it proves nothing.
    const chain = await logKeys().chain();
    expect(followKeys(formatKeyChain(chain), { log: [keys[0]!] }).keys.map(formatVerifierKey)).toEqual([
      formatVerifierKey(keys[1]!),
    ]);
    const texts: EntryText[] = [];
    for await (const batch of store.readTexts()) texts.push(...batch.filter((entry) => entry.foreign));
    expect(texts).toHaveLength(count);
    const checkpoint = await signed();
    for (const text of texts) {
      const proof = (await proveEntry(log, text.position, checkpoint))!;
      const trust = { log: [keys[1]!] };
      expect(() => verifyLeaf(utf8(leafText(text)), proof, trust)).not.toThrow();
      expect(isRefusal(caught(() => readLeaf(leafText(text))))).toBe(true);
      const raw = await rawAt(text.position);
      if (!raw.data.startsWith('{')) continue;
      // As an entry it is not in the log.
      const looks = entryText((await looksAt(text.position))!);
      expect(isRefusal(caught(() => verifyLeaf(utf8(leafText(looks)), proof, trust)))).toBe(true);
      if (text.stream !== KEYS_LANE) continue;
      const given = formatKeyChain([...chain, { leaf: leafText(looks), proof }]);
      expect(isRefusal(caught(() => followKeys(given, { log: [keys[0]!] })))).toBe(true);
      const foreignChain = formatKeyChain([...chain, { leaf: leafText(text), proof }]);
      expect(isRefusal(caught(() => followKeys(foreignChain, { log: [keys[0]!] })))).toBe(true);
    }

    await notary.stop();
    const { findings, foreign: found, unsigned, maps: compared } = await verified();
    expect(findings).toEqual([]);
    expect(found).toMatchObject({ events: count, first: { lane: KEYS_LANE, revision: 2 } });
    expect(unsigned).toBe(0);
    expect(compared).toBeGreaterThan(1);

    // The next one goes on from there, and a tree made anew is the same.
    const next = startNotary();
    await state(next, 'running');
    await write(1);
    const { size, root } = await signed();
    const anew = await LogStore.open({ kind: 'sqlite', file: join(folder, 'anew.sqlite') });
    const growing = await GrowingLog.resume(anew, systemClock);
    for await (const batch of store.readTexts()) growing.add(batch);
    await growing.commit(null);
    expect(toHex(await fromTiles(anew, (read) => treeRoot(BigInt(size), read)))).toBe(toHex(root));
    await anew.close();
  });

  async function rawAt(position: number): Promise<RawEvent> {
    for await (const [event] of keyless.events.readAll({ from: position, batchSize: 1 })) return event!;
    throw new Error('nothing there');
  }

  async function looksAt(position: number) {
    for await (const [entry] of keyless.readAll({ from: position, batchSize: 1 })) return entry;
    return undefined;
  }
});

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return undefined;
}
