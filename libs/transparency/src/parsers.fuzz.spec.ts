import fc from 'fast-check';
import { followKeys, formatKeyChain } from './keys/key-chain.js';
import { canonicalJson } from './canonical-json.js';
import { formatCheckpoint, parseCheckpoint } from './note/checkpoint.js';
import { cosign } from './note/cosignature.js';
import { openCheckpoint } from './note/open-checkpoint.js';
import { formatNote, parseNote, signNote } from './note/signed-note.js';
import { formatVerifierKey, parseVerifierKey, verifierKey } from './note/verifier-key.js';
import { concat, FormatInvalid, fromBase64, readDecimal, toBase64, uint64, utf8 } from './primitives/bytes.js';
import { signingKey } from './primitives/crypto.js';
import { formatProof, parseProof, verifyLeaf } from './proof/tlog-proof.js';
import {
  formatReceiptKeys,
  RECEIPT_KEY_INTRODUCED,
  RECEIPT_KEYS_LANE,
  verifyReceiptKeys,
} from './receipt/receipt-keys.js';
import { formatReceipt, parseReceipt } from './receipt/receipt.js';
import { parseTilePath, tilePath } from './tiles/tile-path.js';
import { formatProofEnd, formatProofHead, formatProofItem, ProofReader } from './bundle/accounting-proof.js';
import { proofLines } from './bundle/proof-file.js';
import { MAP_LANE, SUBJECTS_MAPPED, verifyAccountingProof } from './bundle/verify-accounting-proof.js';
import { verifyReport } from './bundle/verify-report.js';
import { Chain, chainKey } from './subject-map/subject-chain.js';
import { formatMapProof, parseMapProof } from './subject-map/map-proof.js';
import { hashSubject } from './subject-map/map-hashing.js';
import { hashLeafText, hashNode } from './tree/hashing.js';
import { ProofInvalid } from './tree/proofs.js';
import { formatCosignRequest, parseCosignRequest } from './witness/add-checkpoint.js';

// In full for ten minutes: SIJILL_TEST_FULL=1. Else as long as nobody minds.
const MILLISECONDS = Number(
  process.env['SIJILL_TEST_FUZZ_MS'] ?? (process.env['SIJILL_TEST_FULL'] === '1' ? 85_000 : 900),
);

const name = 'log.example/ledger';
const key = signingKey(new Uint8Array(32).fill(1));
const logKey = verifierKey(name, 'ed25519', key.publicKey);
const witness = verifierKey('w.example', 'cosignature/v1', key.publicKey);
const text = formatCheckpoint({ origin: name, size: 3n, root: new Uint8Array(32).fill(5), extensions: [] });
const note = formatNote({ text, signatures: [signNote(text, name, key), cosign(text, witness.name, key, 9n)] });
const proof = formatProof({ index: 1n, path: [new Uint8Array(32), new Uint8Array(32).fill(8)], checkpoint: note });
const trust = { log: [logKey], witnesses: [witness], quorum: 1 };

/** An accounting of one disclosure, in a log of two leaves: it, and the map of the one subject. */
const subject = '5b1f2d2c-51a0-4f0e-9d52-0a1f5f0c7baa';
const entry = (type: string, lane: string, data: object): string =>
  canonicalJson({
    data,
    id: type,
    lane,
    metadata: { event: { digest: 'd', generation: '2026Q3', tag: 't' }, recordedAt: 'now', source: '/a' },
    revision: 0,
    type,
  });
const disclosure = {
  occurredAt: '2026-07-01T00:00:00.000Z',
  purpose: 'provide_services',
  dataCategories: ['location'],
  recipient: { id: 'courier', name: 'Courier' },
};
const disclosed = entry('sijill.data.disclosed.v1', 'ledger-a', { ...disclosure, subjectId: subject });
const chain = new Chain();
chain.add({ leafIndex: 0n, leafHash: hashLeafText(disclosed) });
const [own, head] = [chainKey(subject, 'disclosure'), chain.head()];
const mapRoot = new Uint8Array(32);
hashSubject(concat(own, uint64(head.count), head.head), 0, mapRoot, 0);
const mapped = entry(SUBJECTS_MAPPED, MAP_LANE, {
  occurredAt: '2026-07-02T00:00:00.000Z',
  root: toBase64(mapRoot),
  size: '1',
  chains: '1',
});
const [first, second] = [hashLeafText(disclosed), hashLeafText(mapped)];
const whole = formatCheckpoint({ origin: name, size: 2n, root: hashNode(first, second), extensions: [] });
const mapProof = formatMapProof({ siblings: [], found: { key: own, ...head } });
const chains = (['disclosure', 'identity'] as const).map((kind) => ({ kind, proof: mapProof }));
const accounting = [
  formatProofHead({ position: 1n, leaves: 1n, subjects: [{ subject, chains }] }),
  formatProofItem({ what: 'leaf', index: 0n, leaf: disclosed }, []),
  formatProofItem({ what: 'map', index: 1n, leaf: mapped }, []),
  formatProofEnd(formatNote({ text: whole, signatures: [signNote(whole, name, key)] })),
].join('');
/** What is read of a proof, written again. */
const readAccounting = (given: string): string => {
  const reader = new ProofReader(given.split('\n'));
  const head = reader.head();
  const subjects = head.subjects.map((of) => of.subject);
  const items = [...reader.items(head.subjects)].map((item) => formatProofItem(item, subjects));
  return [formatProofHead(head), ...items, formatProofEnd(reader.checkpoint())].join('');
};
const report = JSON.stringify({
  subject: { subjectId: subject, linked: [], openConflicts: 0 },
  parameters: { from: null, to: '2027-01-01' },
  asOf: { position: 1 },
  totals: {
    entries: 1,
    conflicts: 0,
    withheld: 0,
    byRecipient: [{ id: 'courier', name: 'Courier', count: 1 }],
    byCategory: [{ category: 'location', count: 1 }],
  },
  disclosures: [
    {
      entryId: 'sijill.data.disclosed.v1',
      subjectId: subject,
      ...disclosure,
      recordedAt: 'now',
      source: '/a',
      standing: 'first',
      sealed: 'none',
    },
  ],
});
const cosigning = formatCosignRequest({ old: 2n, proof: [new Uint8Array(32).fill(3)], checkpoint: note });

/** Each with a valid text to begin from, and with what writes again what was read, where there is one form only. */
const PARSERS: Record<string, { valid: string; read: (text: string) => string | null }> = {
  'a verifier key': { valid: formatVerifierKey(logKey), read: (given) => formatVerifierKey(parseVerifierKey(given)) },
  'a note': { valid: note, read: (given) => formatNote(parseNote(given)) },
  'a checkpoint': { valid: text, read: (given) => formatCheckpoint(parseCheckpoint(given)) },
  'a proof': {
    valid: proof,
    // Extra data is not kept.
    read: (given) => (given.includes('\nextra ') ? (parseProof(given), null) : formatProof(parseProof(given))),
  },
  'a request to cosign': { valid: cosigning, read: (given) => formatCosignRequest(parseCosignRequest(given)) },
  'the proof of a map': { valid: mapProof, read: (given) => formatMapProof(parseMapProof(given)) },
  // What the map holds is read when it is verified; here it stays as it is, but for its end.
  'the proof of an accounting': { valid: accounting, read: readAccounting },
  'announcements of keys': {
    valid: formatKeyChain([{ leaf: '{"data":{},"id":"","lane":"","metadata":{},"revision":0,"type":""}', proof }]),
    read: (given) => {
      try {
        followKeys(given, trust);
      } catch (error) {
        if (!refused(error)) throw error;
      }
      return given;
    },
  },
  'a receipt': {
    valid: formatReceipt({
      log: name,
      acceptedAt: '2026-07-01T00:00:00.000Z',
      dueAt: '2026-07-01T00:01:00.000Z',
      leaves: 260n,
      entries: [1, 2].map((n) => ({ id: subject.replace(/^5/, `${n}`), leafHash: toBase64(hashLeafText(`${n}`)) })),
    }),
    read: (given) => formatReceipt(parseReceipt(given)),
  },
  'announcements of keys for receipts': {
    valid: formatReceiptKeys([{ leaf: entry(RECEIPT_KEY_INTRODUCED, RECEIPT_KEYS_LANE, {}), proof }]),
    read: (given) => {
      try {
        verifyReceiptKeys(given, trust);
      } catch (error) {
        if (!refused(error)) throw error;
      }
      return given;
    },
  },
  'the address of a tile': { valid: 'tile/1/x001/x234/067.p/9', read: (given) => tilePath(parseTilePath(given)) },
  base64: { valid: toBase64(utf8(text)), read: (given) => toBase64(fromBase64(given)) },
  'a number': { valid: '9007199254740993', read: (given) => String(readDecimal(given)) },
};

/** What is nearly right: pieces of it taken out, doubled, put elsewhere, or replaced. */
function mutated(valid: string): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(
      '\n',
      '\n\n',
      ' ',
      '—',
      '+',
      '=',
      '0',
      '.p/',
      'x',
      '\u0000',
      '\ud800',
      'extra ',
      'index ',
      '٣',
      '\r\n',
    ),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  const edit = fc.tuple(fc.nat({ max: valid.length }), fc.nat({ max: 12 }), piece);
  return fc.array(edit, { minLength: 1, maxLength: 4 }).map((edits) => {
    let result = valid;
    for (const [at, length, by] of edits) result = result.slice(0, at) + by + result.slice(at + length);
    return result;
  });
}

const refused = (error: unknown): boolean => error instanceof FormatInvalid || error instanceof ProofInvalid;

describe('whatever is handed to a parser', () => {
  it.each(Object.entries(PARSERS))(
    '%s is read as it would be written, or refused by name',
    (_, { valid, read }) => {
      expect([null, valid]).toContain(read(valid));
      let accepted = 0;
      const given = fc.oneof(
        { arbitrary: mutated(valid), weight: 4 },
        { arbitrary: fc.string({ unit: 'binary' }), weight: 1 },
      );
      fc.assert(
        fc.property(given, (text) => {
          try {
            const again = read(text);
            accepted++;
            if (again !== null) expect(again).toBe(text);
          } catch (error) {
            if (!refused(error)) throw error;
          }
        }),
        { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: MILLISECONDS, markInterruptAsFailure: false },
      );
      process.stdout.write(`${accepted} changed texts were valid\n`);
    },
    MILLISECONDS * 3 + 30_000,
  );

  it(
    'holds only if it says the same as what was signed',
    () => {
      expect(openCheckpoint(note, trust).size).toBe(3n);
      fc.assert(
        fc.property(mutated(note), (changed) => {
          try {
            expect(openCheckpoint(changed, trust)).toEqual(openCheckpoint(note, trust));
          } catch (error) {
            if (!refused(error)) throw error;
          }
        }),
        { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: MILLISECONDS, markInterruptAsFailure: false },
      );
      expect(() => verifyLeaf(utf8('leaf'), proof, trust)).toThrow(ProofInvalid);
    },
    MILLISECONDS * 3 + 30_000,
  );

  it(
    'shows nothing but the entries that there are, whatever is done to an accounting or its report',
    () => {
      const all = verifyAccountingProof(accounting.split('\n'), { log: [logKey] });
      expect(verifyReport(all, report)).toEqual({
        disclosures: 1,
        complete: true,
        conflicts: 0,
        newer: 0,
        uncounted: 0,
        unproven: 0n,
        notCompared: [],
      });
      fc.assert(
        fc.property(mutated(accounting), mutated(report), (changed, otherReport) => {
          try {
            const { complete, ...held } = verifyAccountingProof(proofLines(utf8(changed)), { log: [logKey] });
            // Where the report beside it stands nobody has signed; and lines alone say less.
            if (complete !== null) expect(complete).toEqual({ ...all.complete, asOf: complete.asOf });
            expect({ ...held, position: 1n, checkpoint: null }).toEqual({
              ...all,
              complete: undefined,
              checkpoint: null,
            });
          } catch (error) {
            if (!refused(error)) throw error;
          }
          try {
            expect(verifyReport(all, otherReport).disclosures).toBeLessThanOrEqual(1);
          } catch (error) {
            if (!refused(error)) throw error;
          }
        }),
        { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: MILLISECONDS, markInterruptAsFailure: false },
      );
    },
    MILLISECONDS * 3 + 30_000,
  );
});
