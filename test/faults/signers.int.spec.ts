import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lane, nodeLane, openEmbeddedStore, type EventStore, type KeylessStore } from '@sijill/event-store';
import {
  checkRange,
  createKeyFile,
  LogKeys,
  LogStore,
  Notary,
  signingKeysAt,
  verifyStore,
  type LogIdentity,
  type NotaryState,
  type SignedCheckpoint,
  type SigningKeys,
} from '@sijill/notary';
import { claimOf, createLogger, Metrics, systemClock, type SignerAddress } from '@sijill/platform';
import { followKeys, formatKeyChain, parseNote, signersOf, type VerifierKey } from '@sijill/transparency';
import { disclosureEntry } from '../support/disclosure-entries.js';
import { appendTo, authentic } from '../support/entry-keys.js';
import {
  commandSignerForTests,
  httpSignerForTests,
  SECRET,
  type SignerMode,
  type TestSigner,
} from '../support/signers.js';
import { eventually, freshDataDir } from '../support/sijill.js';

const ORIGIN = 'log.example/ledger';
const TIME_LIMIT_MS = 1_500;
/** Of a process that signs nothing. */
const NONE: SigningKeys = {
  key: () => Promise.reject(new Error('this process has no key that signs')),
  newKey: () => Promise.reject(new Error('this process has no key that signs')),
};

/** A store and a log, and who keeps it. */
class Ledger {
  private readonly running: Notary[] = [];
  private written = 0;

  private constructor(
    readonly folder: string,
    readonly keyless: KeylessStore,
    readonly store: EventStore,
    readonly log: LogStore,
  ) {}

  static async open(): Promise<Ledger> {
    const folder = freshDataDir('signers');
    const keyless = openEmbeddedStore({ file: join(folder, 'ledger.sqlite'), pollMs: 10 });
    return new Ledger(
      folder,
      keyless,
      authentic(keyless),
      await LogStore.open({ kind: 'sqlite', file: join(folder, 'log.sqlite') }),
    );
  }

  async write(count: number): Promise<void> {
    const entries = Array.from({ length: count }, () =>
      disclosureEntry(`event-${this.written}`, { n: this.written++ }),
    );
    await appendTo(this.store, 'ledger-a', entries);
  }

  notary(keys: SigningKeys, log = this.log): Notary {
    const identity: LogIdentity = { origin: ORIGIN, keys };
    const notary = new Notary(this.store, log, {
      claim: claimOf({ kind: 'sqlite', file: join(this.folder, 'claim') }, 'notary'),
      identity,
      clock: systemClock,
      metrics: new Metrics(),
      logger: createLogger('silent'),
      lane: () => Lane.open(this.store, nodeLane('notary'), { onOtherWriter: 'follow', whenFull: 'refuse' }),
      signEveryMs: 20,
    });
    this.running.push(notary);
    notary.start();
    return notary;
  }

  keys(keys: SigningKeys): LogKeys {
    return new LogKeys(
      this.store,
      this.log,
      { origin: ORIGIN, keys },
      {
        clock: systemClock,
        published: () => this.log.checkpoint(),
        cosigned: { needed: 0, wanted: 0 },
      },
    );
  }

  /** The last checkpoint, once it covers the end of the store. */
  async signed(): Promise<SignedCheckpoint> {
    const end = await this.store.head();
    const last = await eventually(
      () => this.log.checkpoint(),
      (checkpoint) => (checkpoint?.position ?? 0) >= end,
    );
    return last!;
  }

  /** The generations that have signed the last checkpoint, once it covers the end of the store. */
  async signers(): Promise<number[]> {
    const note = parseNote((await this.signed()).note);
    const all = await this.keys(NONE).all();
    const signed = all.filter(({ key }) => signersOf(note, [key]).length > 0);
    expect(note.signatures).toHaveLength(signed.length);
    return signed.map(({ generation }) => generation);
  }

  async findings(...trusted: VerifierKey[]): Promise<unknown[]> {
    const check: Parameters<typeof verifyStore>[2]['check'] = (range, size) =>
      checkRange(this.keyless, this.log, size, range);
    return [...(await verifyStore(this.keyless, this.log, { trust: { log: trusted }, check, hands: 1 })).findings];
  }

  async close(): Promise<void> {
    for (const notary of this.running.splice(0)) await notary.stop();
    await this.log.close();
    await this.store.close();
  }
}

const fileSigner = async (): Promise<TestSigner> => ({
  address: { kind: 'file', file: join(freshDataDir('keys'), 'log-key-{generation}.json') },
  become: () => undefined,
  stop: async () => undefined,
});
const at = (address: SignerAddress): SigningKeys => signingKeysAt(address, systemClock, TIME_LIMIT_MS);
const state = (notary: Notary, wanted: NotaryState): Promise<NotaryState> =>
  eventually(
    async () => notary.health.state,
    (now) => now === wanted,
  );
const failing = async (notary: Notary): Promise<string> => {
  await state(notary, 'failing');
  return notary.health.detail ?? '';
};

describe.each<[string, () => Promise<TestSigner>]>([
  ['files', fileSigner],
  ['a program', commandSignerForTests],
  ['a server', httpSignerForTests],
])('a log that is signed with keys of %s', (kind, open) => {
  let ledger: Ledger;
  let signer: TestSigner;
  beforeEach(async () => {
    ledger = await Ledger.open();
    signer = await open();
  });
  afterEach(async () => {
    await ledger.close();
    await signer.stop();
  });

  it('changes its key while its notary runs, and whoever holds no key can tell which they are', async () => {
    if (signer.address.kind === 'file') await at(signer.address).newKey(1);
    const outside = ledger.keys(NONE);
    expect(await outside.all()).toEqual([]);
    expect(await outside.published()).toEqual([]);
    await expect(outside.introduce()).rejects.toMatchObject({ name: 'KeyChangeRefused' });
    await ledger.write(10);
    ledger.notary(at(signer.address));
    expect(await ledger.signers()).toEqual([1]);
    const [first] = await outside.published();
    // Another process changes the keys than that which signs.
    const keys = ledger.keys(at(signer.address));
    await keys.introduce();
    await ledger.write(10);
    expect(await ledger.signers()).toEqual([1, 2]);
    await keys.retire(1);
    await ledger.write(10);
    expect(await ledger.signers()).toEqual([2]);
    expect(await ledger.findings(first!)).toEqual([]);
    const all = await outside.all();
    expect(all.map(({ generation, retired }) => [generation, retired !== null])).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(await outside.published()).toEqual([all[1]!.key]);
    expect(followKeys(formatKeyChain(await outside.chain()), { log: [first!] }).keys).toEqual([all[1]!.key]);
  });

  it('goes on from where it stood when it was signed and could not be written', async () => {
    if (signer.address.kind === 'file') await at(signer.address).newKey(1);
    let refused = 0;
    const log = new Proxy(ledger.log, {
      get: (target, name: keyof LogStore) => {
        const member = target[name] as unknown;
        if (name !== 'grow') return typeof member === 'function' ? member.bind(target) : member;
        return async (growth: Parameters<LogStore['grow']>[0]): Promise<void> => {
          if (growth.checkpoint !== null && refused++ < 2) throw new Error('the power went');
          await target.grow(growth);
        };
      },
    });
    await ledger.write(5);
    ledger.notary(at(signer.address), log);
    expect(await ledger.signers()).toEqual([1]);
    expect(refused).toBeGreaterThan(2);
    expect(await ledger.findings(...(await ledger.keys(NONE).published()))).toEqual([]);
  });

  if (kind === 'files') return;

  const modes: SignerMode[] = ['away', 'garbage', 'wrong bytes', 'another key', 'hang'];
  if (kind === 'a server') modes.push('elsewhere');
  it(`is not signed while what signs is not well (${modes.join(', ')}), and is when it is again`, async () => {
    await ledger.write(3);
    const notary = ledger.notary(at(signer.address));
    await ledger.signed();
    for (const mode of modes) {
      const before = (await ledger.signed()).size;
      signer.become(mode);
      await ledger.write(2);
      const detail = await failing(notary);
      expect([mode, detail]).toEqual([mode, expect.stringMatching(/^the signer /)]);
      expect(detail).not.toContain(SECRET);
      expect((await ledger.log.checkpoint())!.size).toBe(before);
      signer.become('well');
      expect(await ledger.signers()).toEqual([1]);
    }
    expect(await ledger.findings(...(await ledger.keys(NONE).published()))).toEqual([]);
  });

  it('begins when what signs can be reached, and not with a key that does not sign', async () => {
    signer.become('wrong bytes');
    await ledger.write(3);
    const notary = ledger.notary(at(signer.address));
    expect(await failing(notary)).toMatch(/does not hold under its key/);
    signer.become('away');
    await eventually(
      async () => notary.health.detail,
      (detail) => !(detail ?? '').includes('does not hold'),
    );
    expect(await ledger.keys(NONE).all()).toEqual([]);
    expect(await ledger.log.checkpoint()).toBeNull();
    signer.become('well');
    expect(await ledger.signers()).toEqual([1]);

    // Nor does it go on with one.
    signer.become('wrong bytes');
    await expect(ledger.keys(at(signer.address)).introduce()).rejects.toMatchObject({ name: 'SignerFailed' });
    signer.become('well');
    expect(await ledger.keys(NONE).all()).toHaveLength(1);
  });

  it('is refused to a notary whose signer has another key, and loses no key that is lost', async () => {
    await ledger.write(3);
    const notary = ledger.notary(at(signer.address));
    await ledger.signed();
    await notary.stop();
    signer.become('another key');
    const other = ledger.notary(at(signer.address));
    await state(other, 'refusing');
    expect(other.health.detail).toContain('SIJILL_LOG_SIGNER');
    await expect(ledger.keys(at(signer.address)).introduce()).rejects.toMatchObject({ name: 'KeysNotAnnounced' });
    signer.become('well');

    // A key that cannot sign any more is retired without it.
    const next = ledger.notary(at(signer.address));
    await state(next, 'running');
    await ledger.keys(at(signer.address)).introduce();
    expect(await ledger.signers()).toEqual([1, 2]);
    await next.stop();
    const own = at(signer.address);
    const lost: SigningKeys = { ...own, key: (generation) => (generation === 1 ? NONE.key(1) : own.key(generation)) };
    await ledger.keys(lost).retire(1);
    ledger.notary(own);
    expect(await ledger.signers()).toEqual([2]);
  });
});

describe('a notary whose key is in a file', () => {
  let ledger: Ledger;
  beforeEach(async () => (ledger = await Ledger.open()));
  afterEach(() => ledger.close());

  it('waits for it, says which one, and goes on when it is put back', async () => {
    const file = join(ledger.folder, 'log-key-1.json');
    const address: SignerAddress = { kind: 'file', file: join(ledger.folder, 'log-key-{generation}.json') };
    await ledger.write(2);
    const notary = ledger.notary(at(address));
    expect(await failing(notary)).toContain(`there is no signing key at ${file}`);
    expect(await ledger.keys(NONE).all()).toEqual([]);
    createKeyFile(file, 0);
    expect(await ledger.signers()).toEqual([1]);
    await notary.stop();

    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, whole.slice(0, 60));
    await ledger.write(2);
    const again = ledger.notary(at(address));
    expect(await failing(again)).toContain('is not whole; put it back from its backup');
    writeFileSync(`${file}.new`, whole);
    renameSync(`${file}.new`, file);
    expect(await ledger.signers()).toEqual([1]);
  });
});
