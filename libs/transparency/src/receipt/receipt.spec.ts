import fc from 'fast-check';
import { canonicalJson } from '../canonical-json.js';
import { formatLosses } from '../loss/loss.js';
import { formatCheckpoint } from '../note/checkpoint.js';
import { cosign } from '../note/cosignature.js';
import { formatNote, signNote } from '../note/signed-note.js';
import { formatVerifierKey, verifierKey } from '../note/verifier-key.js';
import { FormatInvalid, toBase64, utf8 } from '../primitives/bytes.js';
import { signingKey, type SigningKey } from '../primitives/crypto.js';
import { formatProof } from '../proof/tlog-proof.js';
import { TreeGrowth } from '../tiles/growth.js';
import { hashInTile, TILE_WIDTH, tileOf, type TilePlace } from '../tiles/tiles.js';
import { hashLeaf } from '../tree/hashing.js';
import { inclusionProof, isRefusal, ProofInvalid } from '../tree/proofs.js';
import { formatReceipt, MOST_PROMISED, parseReceipt, type Receipt } from './receipt.js';
import { formatReceiptKeys, RECEIPT_KEY_INTRODUCED, RECEIPT_KEYS_LANE, receiptKey } from './receipt-keys.js';
import { promisedEntryOf, verifyReceipt, type ReceiptSource, type VerifiedReceipt } from './verify-receipt.js';

const LOG = 'log.example/ledger';
const [logSigns, receiptSigns, stranger, ...witnesses] = [1, 2, 3, 4, 5, 6].map((n) =>
  signingKey(new Uint8Array(32).fill(n)),
) as [SigningKey, SigningKey, SigningKey, SigningKey, SigningKey, SigningKey];
const logKey = verifierKey(LOG, 'ed25519', logSigns.publicKey);
const witnessKeys = witnesses.map(({ publicKey }, i) => verifierKey(`w${i}.example`, 'cosignature/v1', publicKey));
const trust = { log: [logKey], witnesses: witnessKeys, quorum: 0 };
const ANNOUNCED_AT = 3;

const idOf = (n: number): string => `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const leafText = (n: number): string => `{"leaf":${n}}`;
const leafOf = (n: number): Uint8Array => utf8(leafText(n));
const promised = (...numbers: number[]): Receipt['entries'] =>
  numbers.map((n) => ({ id: idOf(n), leafHash: toBase64(hashLeaf(leafOf(n))) }));
const receipt = (entries: Receipt['entries'], changed: Partial<Receipt> = {}): Receipt => ({
  log: LOG,
  acceptedAt: '2026-07-01T10:00:00.000Z',
  dueAt: '2026-07-01T10:01:00.000Z',
  leaves: 0n,
  entries,
  ...changed,
});
const DUE = Date.parse('2026-07-01T10:01:00.000Z');

const signed = (text: string, key = receiptSigns, name = `${LOG}/receipt`): string =>
  formatNote({ text, signatures: [signNote(text, name, key)] });
const announcement = (changed: object = {}, key = formatVerifierKey(receiptKey(LOG, receiptSigns.publicKey))): string =>
  canonicalJson({
    data: { key, occurredAt: '2026-06-01T00:00:00.000Z' },
    id: 'an-id',
    lane: RECEIPT_KEYS_LANE,
    metadata: {},
    revision: 0,
    type: RECEIPT_KEY_INTRODUCED,
    ...changed,
  });

interface Told {
  readonly size: number;
  /** What stands in place of a leaf. */
  readonly leaves?: ReadonlyMap<number, Uint8Array>;
  readonly announced?: string;
  /** The size of the checkpoint under which the key is proven: that of the log. */
  readonly provenAt?: number;
  /** When each of the witnesses cosigned it, in seconds. */
  readonly cosignedAt?: readonly bigint[];
  readonly name?: string;
  readonly isLive?: boolean;
}

/** A log in memory, with what it has announced for its receipts. */
function logOf({ size, leaves = new Map(), announced = announcement(), ...told }: Told): ReceiptSource {
  const leaf = (i: number): Uint8Array => (i === ANNOUNCED_AT ? utf8(announced) : (leaves.get(i) ?? leafOf(i)));
  const treeOf = (count: number): { tile: (place: TilePlace) => Uint8Array; note: string } => {
    const growth = TreeGrowth.from(0n);
    for (let i = 0; i < count; i++) growth.add(hashLeaf(leaf(i)));
    const { name = LOG, cosignedAt = [] } = told;
    const text = formatCheckpoint({ origin: name, size: BigInt(count), root: growth.root(), extensions: [] });
    const cosignatures = cosignedAt.map((at, i) => cosign(text, witnessKeys[i]!.name, witnesses[i]!, at));
    const tiles = new Map(growth.takeChanged().map(({ level, index, hashes }) => [`${level}/${index}`, hashes]));
    return {
      tile: ({ level, index }) => tiles.get(`${level}/${index}`)!,
      note: formatNote({ text, signatures: [signNote(text, name, logSigns), ...cosignatures] }),
    };
  };
  const now = treeOf(size);
  const then = told.provenAt === undefined ? now : treeOf(told.provenAt);
  const path = inclusionProof(BigInt(ANNOUNCED_AT), BigInt(told.provenAt ?? size), (subtree) =>
    hashInTile(subtree, then.tile(tileOf(subtree))),
  );
  const proof = formatProof({ index: BigInt(ANNOUNCED_AT), path, checkpoint: then.note });
  return {
    isLive: told.isLive ?? true,
    receiptKeys: () => Promise.resolve(formatReceiptKeys([{ leaf: announced, proof }])),
    losses: () => Promise.resolve(formatLosses([])),
    checkpoint: () => Promise.resolve(now.note),
    tile: (place) => Promise.resolve(now.tile(place)),
  };
}

const verify = (note: string, source: ReceiptSource, askedAt: number | null = DUE + 1): Promise<VerifiedReceipt> =>
  verifyReceipt(note, source, trust, { askedAt });
const verdict = async (given: Receipt, source: ReceiptSource, askedAt?: number | null): Promise<string> =>
  (await verify(signed(formatReceipt(given)), source, askedAt)).verdict;

describe('the text of a receipt', () => {
  const text = formatReceipt(receipt(promised(7, 8), { leaves: 5n }));

  it('is what the page on proofs says', () => {
    expect(text).toBe(
      [
        'sijill receipt v1',
        'log.example/ledger',
        'accepted 2026-07-01T10:00:00.000Z',
        'due 2026-07-01T10:01:00.000Z',
        'leaves 5',
        `${idOf(7)} ${toBase64(hashLeaf(leafOf(7)))}`,
        `${idOf(8)} ${toBase64(hashLeaf(leafOf(8)))}`,
        '',
      ].join('\n'),
    );
  });

  it('is read as it was written', () => {
    const time = fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(
        fc.tuple(time, time).map((times) => times.map((each) => each.toISOString()).sort() as [string, string]),
        fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
        fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 20 }),
        ([acceptedAt, dueAt], leaves, numbers) => {
          const given = receipt(promised(...numbers), { acceptedAt, dueAt, leaves });
          expect(parseReceipt(formatReceipt(given))).toEqual(given);
        },
      ),
    );
  });

  const hash = toBase64(hashLeaf(leafOf(8)));
  it.each([
    ['another form', ['receipt v1', 'receipt v2']],
    ['no log', ['log.example/ledger', '']],
    ['a log that no key can have the name of', ['log.example/ledger', 'log example']],
    ['no time of acceptance', ['accepted ', 'taken ']],
    ['a time without milliseconds', ['10:00:00.000Z', '10:00:00Z']],
    ['a time of elsewhere', ['10:00:00.000Z', '10:00:00.000+00:00']],
    ['a day that there is not', ['accepted 2026-07-01', 'accepted 2026-06-31']],
    ['an hour that there is not', ['T10:01', 'T25:01']],
    ['a midnight that is another day', ['due 2026-07-01T10:01', 'due 2026-07-01T24:00']],
    ['a time before that of acceptance', ['due 2026-07-01T10:01', 'due 2026-07-01T09:59']],
    ['two lines the other way round', [/(accepted .*\n)(due .*\n)/, '$2$1']],
    ['a number with a zero before it', ['leaves 5', 'leaves 05']],
    ['no entry', [/\n0189[^]*/, '\n']],
    ['an id in large letters', [idOf(8), idOf(8).replace('8000', '80AB')]],
    ['an entry without its leaf', [` ${hash}`, '']],
    ['a hash that is cut', [hash, hash.slice(4)]],
    [
      'bits behind the end of a hash',
      [hash, hash.replace(/.=$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=`)],
    ],
    ['two spaces', [` ${hash}`, `  ${hash}`]],
    ['an id twice', [idOf(8), idOf(7)]],
    ['a leaf twice', [hash, toBase64(hashLeaf(leafOf(7)))]],
    ['an empty line', [`${hash}\n`, `${hash}\n\n`]],
    ['no newline at the end', [`${hash}\n`, hash]],
  ] as const)('is refused with %s', (_, [from, to]) => {
    const changed = text.replace(from, to as string);
    expect(changed).not.toBe(text);
    expect(() => parseReceipt(changed)).toThrow(FormatInvalid);
  });

  it('is about no more entries than fit into a note', () => {
    const many = promised(...Array.from({ length: MOST_PROMISED + 1 }, (_, n) => n));
    const most = formatReceipt(receipt(many.slice(1), { log: 'l'.repeat(128), leaves: 2n ** 63n - 1n }));
    expect(parseReceipt(most).entries).toHaveLength(MOST_PROMISED);
    expect(signed(most, receiptSigns, `${'l'.repeat(128)}/receipt`).length).toBeLessThan(1_000_000);
    expect(() => parseReceipt(formatReceipt(receipt(many)))).toThrow(FormatInvalid);
  });

  it('is no checkpoint, and no checkpoint is one', async () => {
    const note = signed(text);
    await expect(verify(note, { ...logOf({ size: 9 }), checkpoint: () => Promise.resolve(note) })).rejects.toThrow();
    const { checkpoint } = logOf({ size: 9 });
    await expect(verify(await checkpoint(), logOf({ size: 9 }))).rejects.toThrow('begins with the line');
  });
});

describe('what a receipt promised', () => {
  it('was kept when the log has all of its entries, wherever they are behind the leaves that there were', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 5, max: 3 * TILE_WIDTH }).chain((size) =>
          fc.record({
            size: fc.constant(size),
            leaves: fc.nat({ max: size + TILE_WIDTH }),
            numbers: fc.uniqueArray(
              fc.nat({ max: size + 3 }).filter((n) => n !== ANNOUNCED_AT),
              { minLength: 1, maxLength: 5 },
            ),
          }),
        ),
        fc.constantFrom(null, DUE, DUE + 1),
        async ({ size, leaves, numbers }, askedAt) => {
          const given = receipt(promised(...numbers), { leaves: BigInt(leaves) });
          const found = await verify(signed(formatReceipt(given)), logOf({ size }), askedAt);
          const isHeld = (n: number): boolean => n >= leaves && n < size;
          expect(found.held.map(({ id, index }) => [id, index])).toEqual(
            numbers.filter(isHeld).map((n) => [idOf(n), BigInt(n)]),
          );
          expect(found.missing.map(({ id }) => id)).toEqual(numbers.filter((n) => !isHeld(n)).map(idOf));
          const late = askedAt === DUE + 1 ? 'broken' : 'pending';
          expect(found.verdict).toBe(numbers.every(isHeld) ? 'kept' : late);
        },
      ),
      { numRuns: 60 },
    ));

  it('was broken by the word of a witness, and by nothing where nobody says how old the log is', async () => {
    const given = receipt(promised(8, 900));
    const due = BigInt(DUE / 1000);
    expect(await verdict(given, logOf({ size: 20, cosignedAt: [due + 1n] }), null)).toBe('broken');
    expect(await verdict(given, logOf({ size: 20, cosignedAt: [due] }), null)).toBe('pending');
    expect(await verdict(given, logOf({ size: 20, cosignedAt: [due] }), DUE + 1)).toBe('broken');
    expect(await verdict(given, logOf({ size: 20 }), null)).toBe('pending');
    // Nobody has asked for this witness's word.
    const unknown = verifyReceipt(
      signed(formatReceipt(given)),
      logOf({ size: 20, cosignedAt: [due + 1n] }),
      { log: [logKey] },
      { askedAt: null },
    );
    expect((await unknown).verdict).toBe('pending');
  });

  it('was broken when as many witnesses as are asked for say so, and not by the last of them alone', async () => {
    const note = signed(formatReceipt(receipt(promised(900))));
    const due = BigInt(DUE / 1000);
    const log = logOf({ size: 20, cosignedAt: [due - 50n, due + 500n, due + 9n] });
    const seen = async (quorum: number, askedAt: number | null = null): Promise<unknown[]> => {
      const { verdict: said, seenAt } = await verifyReceipt(note, log, { ...trust, quorum }, { askedAt });
      return [said, (seenAt! - DUE) / 1000];
    };
    expect(await seen(0)).toEqual(['broken', 500]);
    expect(await seen(1)).toEqual(['broken', 500]);
    expect(await seen(2)).toEqual(['broken', 9]);
    expect(await seen(3)).toEqual(['pending', -50]);
    expect(await seen(3, DUE + 1000)).toEqual(['broken', 1]);
  });

  it('is not said to be broken by a copy that is older than what was kept of the keys', async () => {
    const note = signed(formatReceipt(receipt(promised(15))));
    const keys = logOf({ size: 20 }).receiptKeys;
    const older = (size: number, isLive = false): ReceiptSource => ({
      ...logOf({ size, provenAt: 20, isLive }),
      receiptKeys: keys,
    });
    for (const size of [1, ANNOUNCED_AT, ANNOUNCED_AT + 1, 14]) {
      expect((await verify(note, older(size), null)).verdict).toBe('pending');
      expect((await verify(note, older(size), DUE + 1)).verdict).toBe('broken');
      // The log itself, asked after its keys, has become shorter.
      await expect(verify(note, older(size, true))).rejects.toThrow('it was taken back');
    }
    expect((await verify(note, older(17), null)).verdict).toBe('kept');
    // Another log than the one that announced the key.
    const other = { ...logOf({ size: 17, announced: leafText(3), provenAt: 17, isLive: false }), receiptKeys: keys };
    await expect(verify(note, other, null)).rejects.toThrow(ProofInvalid);
  });

  it('cannot be said yet by a copy from before its key was announced', async () => {
    const given = receipt(promised(8));
    const note = signed(formatReceipt(given));
    const accepted = Date.parse(given.acceptedAt);
    const early = { ...logOf({ size: 20, isLive: false }), receiptKeys: () => Promise.resolve(formatReceiptKeys([])) };
    for (const askedAt of [null, accepted]) {
      const { verdict: said, signedWith, held, missing } = await verify(note, early, askedAt);
      expect([said, signedWith, held, missing]).toEqual(['pending', null, [], given.entries]);
    }
    await expect(verify(note, early, accepted + 1)).rejects.toThrow('not signed with a key that the log has announced');
    // Where the announcements were kept, nobody knows from when they are.
    const keptKeys = { askedAt: accepted + 1, keptKeys: true };
    expect((await verifyReceipt(note, early, trust, keptKeys)).verdict).toBe('pending');
    for (const [key, name] of [
      [logSigns, LOG],
      [receiptSigns, 'log.example/other/receipt'],
    ] as const)
      await expect(verify(signed(formatReceipt(given), key, name), early, null)).rejects.toThrow(
        'not signed with a key',
      );
    const changed = note.replace('leaves 0', 'leaves 1');
    await expect(verify(changed, logOf({ size: 20 }), null)).rejects.toThrow('does not hold');
  });

  it('is about the entries that it names: a leaf has the hash, and says the id', () => {
    const id = idOf(5);
    const leaf = (changed: object = {}): Uint8Array => utf8(announcement({ id, ...changed }));
    const naming = (name: string): Receipt =>
      receipt([...promised(7), { id: name, leafHash: toBase64(hashLeaf(leaf())) }]);
    expect(promisedEntryOf(leaf(), naming(id)).id).toBe(id);
    expect(() => promisedEntryOf(leaf(), naming(idOf(6)))).toThrow(
      `it is the leaf of the entry ${id}, and the receipt says ${idOf(6)}`,
    );
    expect(() => promisedEntryOf(leaf({ revision: 1 }), naming(id))).toThrow('of none of the entries');
    expect(() => promisedEntryOf(leafOf(7), naming(id))).toThrow(FormatInvalid);
  });

  it('names the way to the key that signs now to whoever trusts one from before', async () => {
    const note = signed(formatReceipt(receipt(promised(8))));
    const before = { log: [verifierKey(LOG, 'ed25519', stranger.publicKey)] };
    await expect(verifyReceipt(note, logOf({ size: 20 }), before, { askedAt: null })).rejects.toThrow(
      /announcement 1 .*sijill verify keys/,
    );
    const another = { log: [verifierKey('log.example/other', 'ed25519', stranger.publicKey)] };
    await expect(verifyReceipt(note, logOf({ size: 20 }), another, { askedAt: null })).rejects.toThrow(
      /log's key[^]*ledger$/,
    );
  });

  it('was broken by a log that has another leaf in its place, or has become shorter', async () => {
    const given = receipt(promised(8, 9), { leaves: 7n });
    const other = await verify(signed(formatReceipt(given)), logOf({ size: 20, leaves: new Map([[9, utf8('{}')]]) }));
    expect([other.verdict, other.missing.map(({ id }) => id)]).toEqual(['broken', [idOf(9)]]);
    expect(await verdict(given, logOf({ size: 5 }))).toBe('broken');
  });

  it('cannot be said by tiles that are not those of the log', async () => {
    const note = signed(formatReceipt(receipt(promised(300), { leaves: 270n })));
    const log = logOf({ size: 700 });
    expect((await verify(note, log)).verdict).toBe('kept');
    const forged = (level: number, index: bigint, at: number, leaf: number): ReceiptSource => ({
      ...log,
      tile: async (place, width) => {
        const hashes = Uint8Array.from(await log.tile(place, width));
        if (place.level === level && place.index === index) hashes.set(hashLeaf(leafOf(leaf)), 32 * at);
        return hashes;
      },
    });
    // Left out of its tile, or put into another log's; and a tile above that does not fit.
    await expect(verify(note, forged(0, 1n, 300 - 256, 7))).rejects.toThrow(ProofInvalid);
    await expect(verify(note, forged(1, 0n, 0, 7))).rejects.toThrow(ProofInvalid);
    const absent = signed(formatReceipt(receipt(promised(7_000), { leaves: 270n })));
    await expect(verify(absent, forged(0, 2n, 3, 7_000))).rejects.toThrow(ProofInvalid);
    await expect(
      verify(note, { ...log, tile: async (place, width) => (await log.tile(place, width)).subarray(32) }),
    ).rejects.toThrow('is cut');
  });

  it('is nothing when a bit of it was changed, whatever it says then', async () => {
    const text = formatReceipt(receipt(promised(8, 9, 10)));
    const note = signed(text);
    const log = logOf({ size: 20 });
    const changes = [
      text.replace(LOG, 'log.example/other'),
      text.replace('10:00:00', '10:00:01'),
      text.replace('10:01:00', '10:00:30'),
      text.replace('leaves 0', 'leaves 1'),
      text.replace(/.*\n$/, ''),
      text.replace(idOf(8), idOf(11)),
      text.replace(promised(9)[0]!.leafHash, promised(11)[0]!.leafHash),
      text.replace(/(.*\n)(.*\n)$/, '$2$1'),
      formatReceipt(receipt(promised(8, 9, 10, 11))),
    ];
    for (const changed of changes) await expect(verify(note.replace(text, changed), log)).rejects.toThrow(ProofInvalid);
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: note.length - 2 }),
        fc.constantFrom('0', '9', 'A', ' ', '\n', '—'),
        async (at, by) => {
          const changed = note.slice(0, at) + by + note.slice(at + 1);
          await verify(changed, log).then(
            () => expect(changed).toBe(note),
            (error) => expect(isRefusal(error)).toBe(true),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is nothing when it is signed with another key than the log has announced, or is of another log', async () => {
    const given = receipt(promised(8));
    const text = formatReceipt(given);
    const log = logOf({ size: 20 });
    for (const [key, name] of [
      [stranger, `${LOG}/receipt`],
      [logSigns, LOG],
      [receiptSigns, LOG],
      [receiptSigns, 'log.example/other/receipt'],
    ] as const)
      await expect(verify(signed(text, key, name), log)).rejects.toThrow(
        'not signed with a key that the log has announced',
      );
    const other = formatReceipt({ ...given, log: 'log.example/other' });
    await expect(verify(signed(other), log)).rejects.toThrow('one of the log log.example/other');
    await expect(verify(signed(text), logOf({ size: 20, name: 'log.example/other' }))).rejects.toThrow(ProofInvalid);
  });

  it.each([
    ['stands in another lane', announcement({ lane: 'ledger-command' })],
    ['is of another type', announcement({ type: 'sijill.ledger.log_alive.v1' })],
    ['has no key', announcement({ data: { occurredAt: 'now' } })],
    [
      'is about a key of another name',
      announcement({}, formatVerifierKey(verifierKey(LOG, 'ed25519', receiptSigns.publicKey))),
    ],
    [
      'is about a key that does not sign notes',
      announcement({}, formatVerifierKey(verifierKey(`${LOG}/receipt`, 'cosignature/v1', receiptSigns.publicKey))),
    ],
    [
      'is what somebody else has put there',
      canonicalJson({ foreign: true, lane: RECEIPT_KEYS_LANE, revision: 0, sha256: 'ab'.repeat(32) }),
    ],
  ])('is nothing when the announcement of its key %s', async (_, announced) => {
    const note = signed(formatReceipt(receipt(promised(8))));
    await expect(verify(note, logOf({ size: 20, announced }))).rejects.toThrow(
      /announcement 1 of the keys for receipts/,
    );
  });

  it('cannot be said by a log that does not go on from where the key was announced', async () => {
    const note = signed(formatReceipt(receipt(promised(8))));
    const log = logOf({ size: 20, provenAt: 12 });
    expect((await verify(note, log)).verdict).toBe('kept');
    const rewritten = logOf({ size: 20, leaves: new Map([[5, utf8('{}')]]) });
    await expect(verify(note, { ...rewritten, receiptKeys: log.receiptKeys })).rejects.toThrow(ProofInvalid);
    const unproven = (await log.receiptKeys()).replace('2026-06-01', '2026-06-02');
    await expect(verify(note, { ...log, receiptKeys: () => Promise.resolve(unproven) })).rejects.toThrow(ProofInvalid);
  });
});
