import fc from 'fast-check';
import { concat, FormatInvalid, fromBase64, toBase64, utf8 } from '../primitives/bytes.js';
import { signingKey } from '../primitives/crypto.js';
import { ProofInvalid } from '../tree/proofs.js';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.js';
import { cosign, cosignaturesOf } from './cosignature.js';
import { openCheckpoint } from './open-checkpoint.js';
import { formatNote, formatSignature, parseNote, signersOf, signNote } from './signed-note.js';
import { formatVerifierKey, parseVerifierKey, verifierKey } from './verifier-key.js';

// The key and the note that Go's own implementation is tested with.
const NEUMANN = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const NEUMANN_SEED = fromBase64('gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=');
const ANSWER =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n" +
  '\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

const log = { name: 'log.example/ledger', key: signingKey(new Uint8Array(32).fill(1)) };
const logKey = verifierKey(log.name, 'ed25519', log.key.publicKey);
const witnesses = [2, 3].map((byte) => ({ name: `w${byte}.example`, key: signingKey(new Uint8Array(32).fill(byte)) }));
const witnessKeys = witnesses.map(({ name, key }) => verifierKey(name, 'cosignature/v1', key.publicKey));
const text = formatCheckpoint({ origin: log.name, size: 2n ** 60n, root: new Uint8Array(32).fill(9), extensions: [] });
const signed = (cosigners = witnesses): string =>
  formatNote({
    text,
    signatures: [
      signNote(text, log.name, log.key),
      ...cosigners.map(({ name, key }) => cosign(text, name, key, 1_790_000_000n)),
    ],
  });

describe('a verifier key', () => {
  it('is read and written as published', () => {
    const key = parseVerifierKey(NEUMANN);
    expect(key).toMatchObject({ name: 'PeterNeumann', id: 0xc74f20a3, type: 'ed25519' });
    expect(formatVerifierKey(key)).toBe(NEUMANN);
    expect(signingKey(NEUMANN_SEED).publicKey.join()).toBe(key.publicKey.join());
  });

  it.each([
    NEUMANN.replace('c74f20a3', 'c74f20a4'),
    NEUMANN.replace('Neumann', 'Newman'),
    NEUMANN.replace('+A', '+B'),
    NEUMANN.replace('RpY', 'RpZ').replace('Rpc', 'Rpd'),
    `${NEUMANN}=`,
    `${NEUMANN}\n`,
    NEUMANN.replace('PeterNeumann', 'Peter Neumann'),
    `+c74f20a3+${NEUMANN.split('+')[2]}`,
    '',
  ])('is refused when it is not: %j', (text) => expect(() => parseVerifierKey(text)).toThrow(FormatInvalid));
});

describe('a signed note', () => {
  it('is verified, signed and written as published', () => {
    const note = parseNote(ANSWER);
    expect(signersOf(note, [parseVerifierKey(NEUMANN)])).toHaveLength(1);
    expect(formatNote(note)).toBe(ANSWER);
    const again = { text: note.text, signatures: [signNote(note.text, 'PeterNeumann', signingKey(NEUMANN_SEED))] };
    expect(formatNote(again)).toBe(ANSWER);
  });

  it('is separated from its signatures by its last empty line', () => {
    const letter = 'one\n\ntwo\n';
    expect(parseNote(formatNote({ text: letter, signatures: [signNote(letter, log.name, log.key)] })).text).toBe(
      letter,
    );
  });

  it('does not hold when a signature of a known key does not; other keys are passed over', () => {
    const changed = parseNote(ANSWER.replace('answer', 'question'));
    expect(() => signersOf(changed, [parseVerifierKey(NEUMANN)])).toThrow(ProofInvalid);
    expect(signersOf(changed, [logKey])).toEqual([]);
  });

  it.each([
    'no signatures\n',
    'no end\n\n— a.example AAAAAAAA',
    'text\n\n- a.example AAAAAAAA\n',
    'text\n\n— a.example\n',
    'text\n\n— a+b AAAAAAAA\n',
    'text\n\n— a.example AAAA\n',
    'text\n\n— a.example AAAA AAAA\n',
    'te\txt\n\n— a.example AAAAAAAA\n',
    'te\ud800xt\n\n— a.example AAAAAAAA\n',
    `text\n\n${'— a.example AAAAAAAA\n'.repeat(101)}`,
    `${'text\n'.repeat(300_000)}\n— a.example AAAAAAAA\n`,
  ])('is refused when it is none: %#', (whole) => expect(() => parseNote(whole)).toThrow(FormatInvalid));
});

describe('a checkpoint', () => {
  it('is read as published', () => {
    const sofa = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
    expect(parseCheckpoint(sofa)).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20852163n });
    expect(formatCheckpoint(parseCheckpoint(sofa))).toBe(sofa);
  });

  it.each([
    '',
    'a\n1\n',
    'a\n01\nAA==\n',
    `\n1\n${toBase64(new Uint8Array(32))}\n`,
    `a\n1\n${toBase64(new Uint8Array(31))}\n`,
  ])('is refused when it is none: %j', (text) => expect(() => parseCheckpoint(text)).toThrow(FormatInvalid));

  it('is believed when the log has signed it and enough witnesses have cosigned', () => {
    const trust = { log: [logKey], witnesses: witnessKeys, quorum: 2 };
    expect(openCheckpoint(signed(), trust)).toMatchObject({
      size: 2n ** 60n,
      cosignatures: witnesses.map(({ name }) => ({ name, seconds: 1_790_000_000n })),
    });
    expect(() => openCheckpoint(signed([witnesses[0]!]), trust)).toThrow(ProofInvalid);
    expect(openCheckpoint(signed([witnesses[0]!]), { ...trust, quorum: 1 }).cosignatures).toHaveLength(1);
    // The same witness twice is one.
    expect(() => openCheckpoint(signed([witnesses[0]!, witnesses[0]!]), trust)).toThrow(ProofInvalid);
  });

  it('is not believed without the log, nor with the key of another log, nor when anything in it was changed', () => {
    const trust = { log: [logKey], witnesses: witnessKeys, quorum: 2 };
    const other = verifierKey('other.example', 'ed25519', log.key.publicKey);
    expect(() => openCheckpoint(signed(), { ...trust, log: [other] })).toThrow(ProofInvalid);
    const foreign = formatNote({ text, signatures: [signNote(text, other.name, log.key)] });
    expect(() => openCheckpoint(foreign, { log: [other] })).toThrow(/log\.example/);
    const whole = utf8(signed());
    for (let i = 0; i < whole.length; i++) {
      const flipped = whole.slice();
      flipped[i]! ^= 1;
      const changed = Buffer.from(flipped).toString('latin1').includes('\u0000') ? '' : Buffer.from(flipped).toString();
      expect(() => openCheckpoint(changed, trust)).toThrow();
    }
  });

  it('is cosigned by as many witnesses as there are keys, not names', () => {
    const [one] = witnesses;
    const alias = { name: 'alias.example', key: one!.key };
    const aliasKey = verifierKey(alias.name, 'cosignature/v1', alias.key.publicKey);
    const twice = { log: [logKey], witnesses: [witnessKeys[0]!, witnessKeys[0]!], quorum: 2 };
    expect(() => openCheckpoint(signed([one!]), twice)).toThrow(ProofInvalid);
    const aliased = { log: [logKey], witnesses: [witnessKeys[0]!, aliasKey] };
    expect(() => openCheckpoint(signed([one!, alias]), { ...aliased, quorum: 2 })).toThrow(ProofInvalid);
    expect(openCheckpoint(signed([alias]), { ...aliased, quorum: 1 }).cosignatures).toHaveLength(1);
  });

  it('is not believed when a second signature of a witness does not hold', () => {
    const bad = cosign('another text\n', witnesses[0]!.name, witnesses[0]!.key, 7n);
    const note = `${signed()}${formatSignature(bad)}`;
    expect(() => openCheckpoint(note, { log: [logKey], witnesses: witnessKeys })).toThrow(ProofInvalid);
  });

  it('is signed by no key of the other type', () => {
    const asWitness = verifierKey(log.name, 'cosignature/v1', log.key.publicKey);
    const bare = formatNote({ text, signatures: [{ ...signNote(text, log.name, log.key), id: asWitness.id }] });
    expect(() => openCheckpoint(bare, { log: [asWitness] })).toThrow(ProofInvalid);
    const timed = { ...cosign(text, log.name, log.key, 5n), id: logKey.id };
    const note = formatNote({ text, signatures: [timed] });
    expect(cosignaturesOf(parseNote(note), [logKey])).toEqual([]);
  });

  it('is not believed with a cosignature of a time beyond 2^63', () => {
    const { name, key } = witnesses[0]!;
    const note = formatNote({ text, signatures: [cosign(text, name, key, 2n ** 63n)] });
    expect(() => cosignaturesOf(parseNote(note), witnessKeys)).toThrow(FormatInvalid);
    const last = formatNote({ text, signatures: [cosign(text, name, key, 2n ** 63n - 1n)] });
    expect(cosignaturesOf(parseNote(last), witnessKeys)).toEqual([{ name, seconds: 2n ** 63n - 1n }]);
  });

  it('is not believed with a cosignature whose time was changed', () => {
    const [witness] = witnesses;
    const own = cosign(text, witness!.name, witness!.key, 5n);
    const later = { ...own, bytes: concat(own.bytes.slice(0, 7), Uint8Array.of(6), own.bytes.slice(8)) };
    const note = formatNote({ text, signatures: [signNote(text, log.name, log.key), later] });
    expect(() => openCheckpoint(note, { log: [logKey], witnesses: witnessKeys })).toThrow(ProofInvalid);
  });
});

describe('keys and notes of any content', () => {
  it('come back as they went', () => {
    const name = fc.stringMatching(/^[a-z0-9./-]{1,40}$/);
    const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
    const body = fc.stringMatching(/^[ -~\n\u0600-\u06ff]{0,200}$/u).map((written) => `${written}\n`);
    fc.assert(
      fc.property(name, seed, body, (who, bytes, written) => {
        const key = signingKey(bytes);
        const known = parseVerifierKey(formatVerifierKey(verifierKey(who, 'ed25519', key.publicKey)));
        const note = parseNote(formatNote({ text: written, signatures: [signNote(written, who, key)] }));
        expect(note.text).toBe(written);
        expect(signersOf(note, [known])).toEqual([known]);
      }),
    );
  });
});
