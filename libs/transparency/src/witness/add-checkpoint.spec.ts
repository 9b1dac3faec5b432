import fc from 'fast-check';
import { formatCheckpoint } from '../note/checkpoint.js';
import { formatNote, signNote } from '../note/signed-note.js';
import { verifierKey } from '../note/verifier-key.js';
import { FormatInvalid, utf8 } from '../primitives/bytes.js';
import { signingKey } from '../primitives/crypto.js';
import { hashInTile, tileOf, type Tile } from '../tiles/tiles.js';
import { TreeGrowth } from '../tiles/growth.js';
import { EMPTY_ROOT, hashLeaf } from '../tree/hashing.js';
import { consistencyProof, treeRoot } from '../tree/proofs.js';
import type { ReadHash } from '../tree/subtrees.js';
import {
  assertGoesOn,
  CosigningRefused,
  formatCosignRequest,
  openCosignRequest,
  parseCosignRequest,
  type RefusalReason,
  type WitnessedTree,
} from './add-checkpoint.js';

const name = 'log.example/ledger';
const key = signingKey(new Uint8Array(32).fill(1));
const logs = [verifierKey(name, 'ed25519', key.publicKey)];

/** Two histories that agree in their first thirty leaves. */
function history(end: string): ReadHash {
  const growth = TreeGrowth.from(0n);
  for (let i = 0; i < 100; i++) growth.add(hashLeaf(utf8(i < 30 ? `${i}` : `${i}${end}`)));
  const tiles = new Map<string, Tile>(growth.takeChanged().map((tile) => [`${tile.level}/${tile.index}`, tile]));
  return (subtree) => {
    const { level, index } = tileOf(subtree);
    return hashInTile(subtree, tiles.get(`${level}/${index}`)!.hashes);
  };
}
const [ours, theirs] = [history(''), history('!')];

const checkpoint = (size: bigint, read = ours, origin = name): string => {
  const text = formatCheckpoint({ origin, size, root: treeRoot(size, read), extensions: [] });
  return formatNote({ text, signatures: [signNote(text, origin, key)] });
};
const request = (old: bigint, size: bigint, read = ours): string =>
  formatCosignRequest({ old, proof: consistencyProof(old, size, read), checkpoint: checkpoint(size, read) });
const seen = (size: bigint, read = ours): WitnessedTree => ({ size, root: treeRoot(size, read) });

function judged(body: string, last: WitnessedTree | null): RefusalReason | 'cosigned' {
  try {
    const { request, checkpoint } = openCosignRequest(body, logs);
    assertGoesOn(request, checkpoint, last);
    return 'cosigned';
  } catch (error) {
    if (error instanceof CosigningRefused) return error.reason;
    throw error;
  }
}

describe('a request to cosign', () => {
  it('has the form that is published', () => {
    const published =
      'old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n' +
      '5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n' +
      'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
      '— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n';
    const { old, proof } = parseCosignRequest(published);
    expect([old, proof.length]).toEqual([20852014n, 4]);
    expect(formatCosignRequest(parseCosignRequest(published))).toBe(published);
  });

  it('is cosigned when the log has grown from what was cosigned last, from any size to any', () => {
    const size = fc.bigInt({ min: 0n, max: 100n });
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [old, now] = a < b ? [a, b] : [b, a];
        expect(judged(request(old, now), seen(old))).toBe('cosigned');
        expect(judged(request(0n, now), null)).toBe('cosigned');
        // Whoever holds another history: it agrees up to thirty leaves.
        const forked = judged(request(old, now, theirs), seen(old));
        if (old <= 30n) expect(forked).toBe('cosigned');
        else expect(forked).toBe(old === now ? 'other root' : 'inconsistent');
      }),
    );
  });

  it.each<[RefusalReason, string, WitnessedTree | null]>([
    ['other size', request(40n, 60n), seen(50n)],
    ['other size', request(40n, 60n), null],
    ['other size', request(0n, 60n), seen(50n)],
    ['other root', request(60n, 60n, theirs), seen(60n)],
    ['inconsistent', request(40n, 60n).replace(/\n[^\n]+\n/, '\n'), seen(40n)],
    ['inconsistent', request(40n, 60n).replace('\n', `\n${'A'.repeat(43)}=\n`), seen(40n)],
    ['inconsistent', request(0n, 60n).replace('\n', `\n${'A'.repeat(43)}=\n`), null],
    ['malformed', request(40n, 60n).replace('old 40', 'old 61'), seen(61n)],
    ['malformed', request(40n, 60n).replace('old 40', 'old 040'), seen(40n)],
    ['malformed', request(40n, 60n).replace('old ', ''), seen(40n)],
    ['malformed', `old 0\n${`${'A'.repeat(43)}=\n`.repeat(64)}\n${checkpoint(60n)}`, null],
    ['malformed', 'old 0\n\nno checkpoint\n', null],
    ['malformed', '', null],
    ['unknown log', `old 0\n\n${checkpoint(60n, ours, 'other.example')}`, null],
    ['unsigned', request(0n, 60n).replace('\n60\n', '\n61\n'), null],
    ['unsigned', request(0n, 60n).replace(`— ${name}`, '— other.example'), null],
  ])('is refused: %s', (reason, body, last) => expect(judged(body, last)).toBe(reason));

  it('is the first one also of a log that was empty', () => {
    expect(judged(request(0n, 10n), { size: 0n, root: EMPTY_ROOT })).toBe('cosigned');
  });

  it('is read or refused, whatever it is', () => {
    const lines = fc.array(
      fc.oneof(fc.string(), fc.constantFrom('old 3', '', `${'A'.repeat(43)}=`, ...checkpoint(9n).split('\n'))),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(lines, (parts) => {
        try {
          const body = parts.join('\n');
          expect(formatCosignRequest(parseCosignRequest(body))).toBe(body);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatInvalid);
        }
      }),
    );
  });
});
