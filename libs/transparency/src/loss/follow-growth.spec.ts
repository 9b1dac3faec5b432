import { canonicalJson } from '../canonical-json.js';
import { formatCheckpoint } from '../note/checkpoint.js';
import { logName, readLogName } from '../note/log-name.js';
import { openCheckpoint } from '../note/open-checkpoint.js';
import { formatNote, signNote } from '../note/signed-note.js';
import { verifierKey } from '../note/verifier-key.js';
import { FormatInvalid, utf8 } from '../primitives/bytes.js';
import { signingKey } from '../primitives/crypto.js';
import { formatProof } from '../proof/tlog-proof.js';
import { TreeGrowth } from '../tiles/growth.js';
import { hashInTile, tileOf, type Tile, type TilePlace } from '../tiles/tiles.js';
import { hashLeaf } from '../tree/hashing.js';
import { inclusionProof, ProofInvalid } from '../tree/proofs.js';
import { followGrowth, type LogWithLosses } from './follow-growth.js';
import { formatLosses, FOUNDING_LANE, LEDGER_RESTORED, readLoss } from './loss.js';

const BEGAN = 'log.example/ledger';
const signing = signingKey(new Uint8Array(32).fill(7));
const trust = { log: [verifierKey(BEGAN, 'ed25519', signing.publicKey)] };

/** A log in memory: its leaves, under its name after so many losses. */
class MemoryLog {
  constructor(
    readonly losses: number,
    readonly leaves: readonly string[],
  ) {}

  private grown(size: number): { growth: TreeGrowth; tiles: Map<string, Tile> } {
    const growth = TreeGrowth.from(0n);
    for (const leaf of this.leaves.slice(0, size)) growth.add(hashLeaf(utf8(leaf)));
    return { growth, tiles: new Map(growth.takeChanged().map((tile) => [`${tile.level}/${tile.index}`, tile])) };
  }

  tile({ level, index }: TilePlace): Uint8Array {
    return this.grown(this.leaves.length).tiles.get(`${level}/${index}`)!.hashes;
  }

  checkpoint(size = this.leaves.length): string {
    const origin = logName({ began: BEGAN, losses: this.losses });
    const text = formatCheckpoint({ origin, size: BigInt(size), root: this.grown(size).growth.root(), extensions: [] });
    return formatNote({ text, signatures: [signNote(text, origin, signing)] });
  }

  proof(index: number): string {
    const path = inclusionProof(BigInt(index), BigInt(this.leaves.length), (subtree) =>
      hashInTile(subtree, this.tile(tileOf(subtree))),
    );
    return formatProof({ index: BigInt(index), path, checkpoint: this.checkpoint() });
  }
}

const some = (name: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`);

function restored(losses: number, log: Readonly<Record<string, unknown>>): string {
  const data = { losses, lost: { log }, occurredAt: '2026-12-01T00:00:00.000Z' };
  return canonicalJson({
    data,
    id: `loss-${losses}`,
    lane: FOUNDING_LANE,
    metadata: {},
    revision: losses,
    type: LEDGER_RESTORED,
  });
}

const former = new MemoryLog(0, some('entry', 300));
const KEPT = 270;

/** The log behind the loss, and what it says of that. */
function behind(
  says: { leaves?: string; kept?: string; checkpoint?: string | null } = {},
  kept = former.leaves.slice(0, KEPT),
) {
  const told = restored(1, { leaves: '300', kept: String(KEPT), checkpoint: former.checkpoint(), ...says });
  const now = new MemoryLog(1, [...kept, told, ...some('later', 20)]);
  const losses = formatLosses([{ leaf: told, proof: now.proof(kept.length) }]);
  const source: LogWithLosses = {
    checkpoint: () => Promise.resolve(now.checkpoint()),
    tile: (place) => Promise.resolve(now.tile(place)),
    formerTile: () => (place) => Promise.resolve(former.tile(place)),
    losses: () => Promise.resolve(losses),
  };
  return { now, source };
}

const follow = ({ now, source }: ReturnType<typeof behind>, from: string): ReturnType<typeof followGrowth> =>
  followGrowth(source, openCheckpoint(from, trust), openCheckpoint(now.checkpoint(), trust), trust);

describe('a log that has lost the end of its store', () => {
  it('has a name that says so, for which its keys count', () => {
    expect(readLogName(logName({ began: BEGAN, losses: 12 }))).toEqual({ began: BEGAN, losses: 12 });
    for (const name of [
      BEGAN,
      '/after-loss-1',
      `${BEGAN}/after-loss-0`,
      `${BEGAN}/after-loss-01`,
      `${BEGAN}/after-loss-1/x`,
    ])
      expect(readLogName(name)).toEqual({ began: name, losses: 0 });
    const { now } = behind();
    expect(openCheckpoint(now.checkpoint(), trust).origin).toBe(`${BEGAN}/after-loss-1`);
    const other = verifierKey('log.example/other', 'ed25519', signing.publicKey);
    expect(() => openCheckpoint(now.checkpoint(), { log: [other] })).toThrow(ProofInvalid);
    const named = verifierKey(`${BEGAN}/after-loss-1`, 'ed25519', signing.publicKey);
    expect(openCheckpoint(former.checkpoint(), { log: [named] }).size).toBe(300n);
  });

  it.each([1, 100, KEPT - 1, KEPT, KEPT + 1, 300])('is followed from a checkpoint of %i leaves', async (size) => {
    const followed = await follow(behind(), former.checkpoint(size));
    expect(followed).toMatchObject({ isWhole: true, losses: [{ losses: 1, kept: BigInt(KEPT), leaves: 300n }] });
  });

  it.each([
    ['denies what it had signed', () => behind({ checkpoint: former.checkpoint(280) })],
    ['says that nothing was signed', () => behind({ checkpoint: null })],
    ['says that it keeps more than it does', () => behind({ kept: '271' })],
    ['has changed what it keeps', () => behind({}, former.leaves.slice(0, KEPT).with(40, 'another'))],
    [
      'names the checkpoint of another log',
      () => behind({ checkpoint: new MemoryLog(0, some('other', 300)).checkpoint() }),
    ],
    [
      'names a checkpoint from behind the loss',
      () => behind({ checkpoint: new MemoryLog(1, former.leaves).checkpoint() }),
    ],
    [
      'does not tell of the loss',
      () => ({ ...behind(), source: { ...behind().source, losses: async () => formatLosses([]) } }),
    ],
  ])('is not followed where it %s', async (_, made) => {
    await expect(follow(made(), former.checkpoint())).rejects.toThrow(ProofInvalid);
  });

  it('is not followed back to before the loss', async () => {
    const { now, source } = behind();
    const [earlier, later] = [openCheckpoint(now.checkpoint(), trust), openCheckpoint(former.checkpoint(), trust)];
    await expect(followGrowth(source, earlier, later, trust)).rejects.toThrow('taken back');
  });

  it.each([
    ['of another lane', { lane: 'ledger-other' }],
    ['of another type', { type: 'sijill.ledger.founded.v1' }],
    ['that lost nothing of the store', { data: { losses: 1, occurredAt: '', lost: { vault: {} } } }],
    ['with a count that is none', { data: { losses: 1, occurredAt: '', lost: { log: { leaves: '-1', kept: '0' } } } }],
    ['without a number', { data: { occurredAt: '', lost: { log: { leaves: '1', kept: '0' } } } }],
  ])('tells of no loss by an entry %s', (_, change) => {
    const entry = {
      type: LEDGER_RESTORED,
      lane: FOUNDING_LANE,
      data: { losses: 1, occurredAt: '', lost: { log: { leaves: '3', kept: '2', checkpoint: null } } },
    };
    expect(readLoss(entry)).toMatchObject({ losses: 1, kept: 2n, leaves: 3n, checkpoint: null });
    expect(() => readLoss({ ...entry, ...change })).toThrow(FormatInvalid);
  });
});
