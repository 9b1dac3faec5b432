import { once } from 'node:events';
import { join } from 'node:path';
import {
  Lane,
  nodeLane,
  openEmbeddedStore,
  type EventStore,
  type KeylessStore,
  type NewEntry,
} from '@sijill/event-store';
import {
  AnnouncedSigner,
  checkRange,
  GrowingLog,
  inForce,
  LogKeys,
  logSigner,
  LogStore,
  Notary,
  verifyStore,
  type Finding,
  type LogIdentity,
  type NotaryState,
  type SignedCheckpoint,
} from '@sijill/notary';
import { claimOf, createLogger, Metrics, newEntryId, systemClock } from '@sijill/platform';
import {
  cosign,
  cosignaturesOf,
  followKeys,
  formatKeyChain,
  formatSignature,
  formatVerifierKey,
  KEY_INTRODUCED,
  KEY_RETIRED,
  KEYS_LANE,
  parseCheckpoint,
  parseNote,
  parseProof,
  signersOf,
  signingKey,
  verifierKey,
  type VerifierKey,
} from '@sijill/transparency';
import { disclosureEntry } from '../support/disclosure-entries.js';
import { appendTo, authentic } from '../support/entry-keys.js';
import { FaultyStore } from '../support/faulty-store.js';
import { LOG_IDENTITY, testKeys, testSigner } from '../support/log-identity.js';
import { eventually, freshDataDir } from '../support/sijill.js';

const keyOf = (generation: number, first?: number, origin = LOG_IDENTITY.origin): VerifierKey =>
  logSigner(origin, [testSigner(generation, first)]).keys[0]!;
/** The same log with other keys. */
const OTHER = 100;
const swapped: LogIdentity = { ...LOG_IDENTITY, keys: testKeys(OTHER) };

/** Tells nothing of what comes: it has to be read. */
class SilentStore extends FaultyStore {
  override async *followTexts({ signal }: { signal: AbortSignal }): AsyncGenerator<never> {
    await once(signal, 'abort');
  }
}

describe('a log whose keys are changed', () => {
  let keyless: KeylessStore;
  let store: EventStore;
  let folder: string;
  let log: LogStore;
  let written = 0;
  const running: Notary[] = [];
  beforeEach(async () => {
    folder = freshDataDir('log-keys');
    keyless = openEmbeddedStore({ file: join(folder, 'ledger.sqlite'), pollMs: 10 });
    store = authentic(keyless);
    log = await LogStore.open({ kind: 'sqlite', file: join(folder, 'log.sqlite') });
  });
  afterEach(async () => {
    for (const notary of running.splice(0)) await notary.stop();
    await log.close();
    await store.close();
  });

  const write = (count: number): Promise<unknown> =>
    appendTo(
      store,
      'ledger-a',
      Array.from({ length: count }, () => disclosureEntry(`event-${written}`, { n: written++ })),
    );
  const notaryOf = (identity = LOG_IDENTITY, of: EventStore = store): Notary => {
    const notary = new Notary(of, log, {
      claim: claimOf({ kind: 'sqlite', file: join(folder, 'claim') }, 'notary'),
      identity,
      clock: systemClock,
      metrics: new Metrics(),
      logger: createLogger('silent'),
      lane: () => Lane.open(store, nodeLane('notary'), { onOtherWriter: 'follow', whenFull: 'refuse' }),
      signEveryMs: 20,
    });
    running.push(notary);
    notary.start();
    return notary;
  };
  const keysOf = (identity = LOG_IDENTITY, needed = 0, wanted = 0): LogKeys =>
    new LogKeys(store, log, identity, {
      clock: systemClock,
      published: () => log.checkpoint(needed),
      cosigned: { needed, wanted },
    });
  const state = (notary: Notary, wanted: NotaryState): Promise<NotaryState> =>
    eventually(
      async () => notary.health.state,
      (now) => now === wanted,
    );
  /** The last checkpoint, once it covers the end of the store. */
  const signed = async (): Promise<SignedCheckpoint> => {
    const end = await store.head();
    const checkpoint = await eventually(
      () => log.checkpoint(),
      (last) => (last?.position ?? 0) >= end,
    );
    return checkpoint!;
  };
  const signers = ({ note }: SignedCheckpoint): number[] => {
    const parsed = parseNote(note);
    const found = [1, 2, 3, 4].filter((generation) => signersOf(parsed, [keyOf(generation)]).length > 0);
    expect(parsed.signatures).toHaveLength(found.length);
    return found;
  };
  const announcement = (type: string, generation: unknown, key: unknown): NewEntry => ({
    id: newEntryId(),
    type,
    data: { occurredAt: '2026-11-25T10:00:00.000Z', generation, key } as NewEntry['data'],
    metadata: { format: 2 },
  });
  const verified = async (...generations: number[]): Promise<readonly Finding[]> => {
    const trust = { log: generations.map((generation) => keyOf(generation)) };
    const { findings } = await verifyStore(keyless, log, {
      trust,
      check: (range, size) => checkRange(keyless, log, size, range),
      hands: 1,
    });
    return findings;
  };

  it('is signed with what it has announced, whoever goes on with it', async () => {
    await write(10);
    const first = notaryOf();
    expect(signers(await signed())).toEqual([1]);
    const keys = keysOf();
    await keys.introduce();
    expect(signers(await signed())).toEqual([1, 2]);
    await write(300);
    await signed();

    const second = notaryOf();
    await state(second, 'standing by');
    await first.stop();
    await state(second, 'running');
    await write(1);
    expect(signers(await signed())).toEqual([1, 2]);
    await keys.retire(1);
    expect(signers(await signed())).toEqual([2]);
    await second.stop();

    // Announced while nobody signs.
    await keys.introduce();
    await expect(keys.retire(2)).rejects.toMatchObject({
      name: 'KeyChangeRefused',
      message: expect.stringContaining('waits'),
    });
    const third = notaryOf();
    expect(signers(await signed())).toEqual([2, 3]);
    await keys.retire(2);
    expect(signers(await signed())).toEqual([3]);
    await third.stop();

    expect(await verified(1)).toEqual([]);
    expect(await verified(1, 2, 3)).toEqual([]);
    const followed = followKeys(formatKeyChain(await keys.chain()), { log: [keyOf(1)] });
    expect(followed.keys.map(formatVerifierKey)).toEqual([formatVerifierKey(keyOf(3))]);
    expect((await keys.published()).map(formatVerifierKey)).toEqual([formatVerifierKey(keyOf(3))]);
  });

  it('is signed with what is announced while its notary stops', async () => {
    await write(1);
    const first = notaryOf();
    await signed();
    await first.stop();
    await keysOf().introduce();
    // One that is told nothing until it stops finds it then.
    const second = notaryOf(LOG_IDENTITY, new SilentStore(store));
    await state(second, 'running');
    await second.stop();
    expect(signers(await signed())).toEqual([1, 2]);
  });

  it('proves what it has announced under a checkpoint that witnesses have cosigned, where there is one', async () => {
    const witness = { name: 'w.example', key: signingKey(new Uint8Array(32).fill(50)) };
    const cosigner = verifierKey(witness.name, 'cosignature/v1', witness.key.publicKey);
    await write(1);
    notaryOf();
    const begun = await signed();
    await keysOf().introduce();
    const introduced = await signed();
    await write(5);
    const later = await signed();
    const sizes = async (keys: LogKeys): Promise<(bigint | undefined)[]> =>
      (await keys.chain()).map(
        ({ proof }) => parseCheckpoint(parseProof(proof).checkpoint.split('\n\n')[0]! + '\n').size,
      );
    const cosigning = ({ size, note }: SignedCheckpoint): Promise<void> => {
      const line = formatSignature(cosign(parseNote(note).text, witness.name, witness.key, 9n));
      return log.addSignature(size, line, (whole) => cosignaturesOf(parseNote(whole), [cosigner]).length);
    };
    const [open, closed] = [keysOf(LOG_IDENTITY, 0, 1), keysOf(LOG_IDENTITY, 1, 1)];
    await open.retire(1);
    const end = await signed();
    await cosigning(end);
    const size = (of: SignedCheckpoint): bigint => BigInt(of.size);
    expect(await sizes(open)).toEqual([size(begun), size(introduced), size(end)]);
    // But for what it begins with, which nobody needs to have proven.
    expect(await sizes(closed)).toEqual([size(begun)]);
    await cosigning(later);
    for (const keys of [open, closed]) expect(await sizes(keys)).toEqual([size(begun), size(later), size(end)]);
  });

  it('takes one change of two that are made at once', async () => {
    await write(1);
    notaryOf();
    await signed();
    const both = await Promise.allSettled([keysOf().introduce(), keysOf().introduce()]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { name: 'KeyChangeRefused' } });
    await signed();
    expect(inForce(await keysOf().all())).toHaveLength(2);
  });

  it('is not signed, nor changed, with the keys of another keyring', async () => {
    await write(10);
    const first = notaryOf();
    const { size } = await signed();
    await first.stop();
    const second = notaryOf(swapped);
    await state(second, 'refusing');
    expect(second.health.detail).toContain('put back the key that was announced');
    await expect(keysOf(swapped).introduce()).rejects.toMatchObject({ name: 'KeysNotAnnounced' });

    const renamed = notaryOf({ ...LOG_IDENTITY, origin: 'other.example' });
    await state(renamed, 'refusing');
    expect(renamed.health.detail).toContain('SIJILL_LOG_ORIGIN');
    await write(5);
    expect((await log.checkpoint())!.size).toBe(size);
  });

  it.each([
    ['another key', [announcement(KEY_INTRODUCED, 2, formatVerifierKey(keyOf(2, OTHER)))]],
    ['a key of another log', [announcement(KEY_INTRODUCED, 2, formatVerifierKey(keyOf(2, undefined, 'b')))]],
    ['another key to begin with', [announcement(KEY_INTRODUCED, 1, formatVerifierKey(keyOf(1, OTHER)))]],
    ['a key twice', [2, 2].map((generation) => announcement(KEY_INTRODUCED, generation, formatVerifierKey(keyOf(2))))],
    ['no key', [announcement(KEY_INTRODUCED, 2, 'none')]],
    ['that the last one is retired', [announcement(KEY_RETIRED, 1, formatVerifierKey(keyOf(1)))]],
    ['something else', [announcement('sijill.ledger.log_alive.v1', 2, '')]],
  ])('is not signed any more where the store says that it has announced %s', async (_, entries) => {
    await write(10);
    const notary = notaryOf();
    const { size } = await signed();
    await appendTo(store, KEYS_LANE, entries);
    await state(notary, 'refusing');
    const again = notaryOf();
    await state(again, 'refusing');
    expect((await log.checkpoint())!.size).toBe(size);
  });

  it('is not signed where the store has lost what was announced', async () => {
    await write(10);
    notaryOf();
    await signed();
    for (const change of [() => keysOf().introduce(), () => keysOf().retire(1)]) {
      await change();
      const { position } = await signed();
      await expect(AnnouncedSigner.resume(store, log, LOG_IDENTITY, position)).resolves.toBeDefined();
      const lost = { readStream: async function* () {} } as unknown as EventStore;
      await expect(AnnouncedSigner.resume(lost, log, LOG_IDENTITY, position)).rejects.toMatchObject({
        name: 'KeysNotAnnounced',
      });
    }
  });

  it('is verified with the keys that it had announced at each checkpoint, and no others', async () => {
    const grow = async (...generations: number[]): Promise<number> => {
      const growing = await GrowingLog.resume(log, systemClock);
      for await (const batch of store.readTexts({ after: growing.head.position })) growing.add(batch);
      const signers = generations.map((generation) => testSigner(generation));
      return (await growing.commit(logSigner(LOG_IDENTITY.origin, signers)))!.size;
    };
    const announce = (type: string, generation: number): Promise<unknown> =>
      appendTo(store, KEYS_LANE, [announcement(type, generation, formatVerifierKey(keyOf(generation)))]);
    await write(5);
    // Before it has said with what.
    const early = await grow(1);
    expect(await verified(1)).toMatchObject([{ what: 'checkpoint', index: early }]);
    await log.close();
    log = await LogStore.open({ kind: 'sqlite', file: join(folder, 'anew.sqlite') });
    await announce(KEY_INTRODUCED, 1);
    await grow(1);
    await announce(KEY_INTRODUCED, 2);
    await grow(1, 2);
    expect(await verified(1)).toEqual([]);
    expect((await verified(2)).map(({ what }) => what)).toContain('key');
    await write(1);
    const alone = await grow(2);
    expect(await verified(1)).toMatchObject([
      { what: 'checkpoint', index: alone, detail: expect.stringContaining('not signed') },
    ]);
    expect(await verified(1, 2)).toMatchObject([{ what: 'checkpoint', index: alone }]);
    await announce(KEY_RETIRED, 1);
    const both = await grow(1, 2);
    await write(1);
    const old = await grow(1);
    await write(1);
    await grow(2);
    expect((await verified(1)).map(({ index }) => index)).toEqual([alone, both, old]);
    await appendTo(store, KEYS_LANE, [announcement(KEY_RETIRED, 2, formatVerifierKey(keyOf(2)))]);
    await grow(2);
    expect((await verified(1)).map(({ what }) => what)).toEqual(['checkpoint', 'checkpoint', 'checkpoint', 'key']);
  });
});
