import { setImmediate as breathe, setTimeout as pause } from 'node:timers/promises';
import { entryText, leafText, type EventStore } from '@sijill/event-store';
import {
  ACCOUNTING_KINDS,
  assertOnePerson,
  chainKey,
  formatMapProof,
  formatProofEnd,
  formatProofHead,
  formatProofItem,
  isRefusal,
  LINKED,
  readLeaf,
  sameBytes,
  SEPARATED,
  SubjectMap,
  subtreesBetween,
  TILE_WIDTH,
  type EntryKind,
  type ProofItem,
  type ProvenChain,
} from '@sijill/transparency';
import type { LogStore, SignedCheckpoint } from '../log-store.js';
import { fromTiles } from '../prove.js';
import { leavesAt } from './leaves-at.js';
import type { MapStore, MapView } from './map-store.js';
import { lastAnnounced, type AnnouncedMap } from './subject-map-entry.js';

/**
 * What a proof is to show: `complete`, that the disclosures are all there are, to whoever may know how many that is; or these entries alone,
 * by their positions in the store, in rising order, so that nobody can tell from it whether there are others.
 */
export type ProofScope = 'complete' | { readonly only: readonly number[] };

export interface ProofWish {
  readonly scope: ProofScope;
  /** A store position that the proof should cover: where the report beside it stands. */
  readonly covering: number;
  /** How long that is waited for, in milliseconds; then the proof covers what it can. */
  readonly patienceMs: number;
}

const LOOK_MS = 100;
/** Leaves that become one piece of a proof. */
const PIECE = 64;

/** Makes the proofs of what a report says of a person, and that nothing is missing in it. */
export class SubjectProofs {
  constructor(
    private readonly store: EventStore,
    private readonly log: LogStore,
    private readonly maps: MapStore,
    /** The last checkpoint that is given away. */
    private readonly published: () => Promise<SignedCheckpoint | null>,
  ) {}

  /**
   * The proof of a person's disclosures, as of the newest map that the log has under a checkpoint. A map that does not cover what is
   * wished for, or by which these subjects are not exactly one person, is waited for: links are entries, and may have come behind.
   *
   * @param subjectIds whom the accounting is of, and behind it all who are linked to it
   * @returns the text, piece by piece: as much is kept of it as one piece, and eight bytes a leaf. Null when no such map was signed in
   *   time: there is no notary, or it is far behind, or who is linked has just changed
   * @throws StoreUnavailable | FormatInvalid the map is damaged
   */
  async prove(
    subjectIds: readonly string[],
    { scope, covering, patienceMs }: ProofWish,
  ): Promise<AsyncGenerator<string> | null> {
    const until = Date.now() + patienceMs;
    let unfit = -1;
    await this.maps.want(covering);
    for (;;) {
      const late = Date.now() >= until;
      const announced = await lastAnnounced(this.store);
      const mappedAt = announced?.entry.position ?? -1;
      const checkpoint = mappedAt === unfit ? null : await this.covering(mappedAt);
      if (checkpoint !== null && (late || (await this.maps.head()).position >= covering)) {
        const found = await this.look(subjectIds, announced!);
        if (found !== null && (await this.isOnePerson(found)))
          return scope === 'complete'
            ? this.whole(found, announced!, checkpoint, covering)
            : this.only(scope.only, found, checkpoint, covering);
        if (found !== null) {
          unfit = mappedAt;
          await this.maps.want(await this.store.head());
        }
      }
      if (late) return null;
      await pause(LOOK_MS);
    }
  }

  /** What the map holds for each subject and which leaves it is made of; null while the map is not the one that the log has. */
  private look(subjectIds: readonly string[], announced: AnnouncedMap): Promise<FoundSubject[] | null> {
    return this.maps.look(async ({ head, tiles, linksOf }) => {
      if (!sameBytes(head.root, announced.root)) return null;
      const map = new SubjectMap(tiles);
      const found: FoundSubject[] = [];
      for (const subject of subjectIds) {
        const chains: FoundChain[] = [];
        for (const kind of ACCOUNTING_KINDS) {
          const { proof, last } = await map.prove(chainKey(subject, kind));
          chains.push({ kind, proof: formatMapProof(proof), leaves: await chainBack(last, linksOf) });
        }
        found.push({ subject, chains });
      }
      return found;
    });
  }

  /** The last checkpoint, when it covers the entry at a store position. */
  private async covering(position: number): Promise<SignedCheckpoint | null> {
    const [checkpoint, index] = [await this.published(), await this.log.indexAt(position)];
    return checkpoint !== null && index !== null && index < checkpoint.size ? checkpoint : null;
  }

  /** Whether the links that the entries tell of make these subjects one person, and nobody else with them. */
  private async isOnePerson(found: readonly FoundSubject[]): Promise<boolean> {
    const chains = [];
    for (const { subject, chains: of } of found) {
      const entries = [];
      for await (const { index, leaf } of leavesAt(this.store, this.log, leavesOf(of, 'identity')))
        entries.push({ index: BigInt(index), entry: readLeaf(leaf) });
      chains.push({ subject, entries });
    }
    try {
      assertOnePerson(chains);
      return true;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  }

  private async *whole(
    found: readonly FoundSubject[],
    { entry }: AnnouncedMap,
    checkpoint: SignedCheckpoint,
    asOf: number,
  ): AsyncGenerator<string> {
    const leaves = BigInt(await this.log.leavesUpTo(asOf));
    yield formatProofHead({ position: BigInt(asOf), leaves, subjects: found });
    const map = { index: (await this.log.indexAt(entry.position))!, leaf: leafText(entryText(entry)) };
    const shown = leavesAt(this.store, this.log, indicesOf(found));
    yield* this.tree(shown, checkpoint, { what: 'map', ...map, index: BigInt(map.index) });
  }

  /** Beside the entries those by which the subjects are one person, since else nobody could tell whose they are. */
  private async *only(
    positions: readonly number[],
    found: readonly FoundSubject[],
    checkpoint: SignedCheckpoint,
    asOf: number,
  ): AsyncGenerator<string> {
    const subjects = found.map(({ subject }) => ({ subject, chains: [] }));
    yield formatProofHead({ position: BigInt(asOf), leaves: null, subjects });
    const all = leavesAt(this.store, this.log, indicesOf(found));
    const shown = async function* (): AsyncGenerator<{ index: number; leaf: string }> {
      let next = 0;
      for await (const { index, leaf, entry } of all) {
        if (entry.position === positions[next]) next++;
        else if (entry.type !== LINKED && entry.type !== SEPARATED) continue;
        yield { index, leaf };
      }
      if (next < positions.length)
        throw new Error(`the entry at position ${positions[next]} is not in the map of the subjects yet`);
    };
    yield* this.tree(shown(), checkpoint);
  }

  /** The leaves, with what is passed over between them, up to the checkpoint. */
  private async *tree(
    leaves: AsyncIterable<{ readonly index: number; readonly leaf: string }>,
    { size, note }: SignedCheckpoint,
    map?: ProofItem & { readonly what: 'map' },
  ): AsyncGenerator<string> {
    let at = 0n;
    let piece: Exclude<ProofItem, { readonly what: 'passed' }>[] = [];
    const write = async (end: bigint): Promise<string> => {
      const gaps = [...piece.map(({ index }) => index), end].map((to) => {
        const gap = [...subtreesBetween(at, to)];
        at = to + 1n;
        return gap;
      });
      at = end;
      const hashes = await fromTiles(this.log, (read) => gaps.map((gap) => gap.map(read)), this.log.known);
      const items = hashes.flatMap((passed, i): ProofItem[] => [
        ...passed.map((hash) => ({ what: 'passed' as const, hash })),
        ...piece.slice(i, i + 1),
      ]);
      piece = [];
      return items.map((item) => formatProofItem(item, [])).join('');
    };
    for await (const { index, leaf } of leaves) {
      piece.push({ what: 'leaf', index: BigInt(index), leaf });
      if (piece.length === PIECE) yield await write(BigInt(index) + 1n);
    }
    if (map !== undefined) piece.push(map);
    yield await write(BigInt(size));
    yield formatProofEnd(note);
  }
}

/** The leaves of a chain, from the first, which is found from the last. */
async function chainBack(last: bigint | null, linksOf: MapView['linksOf']): Promise<number[]> {
  const leaves: number[] = [];
  let [tile, links] = [-1, [] as readonly bigint[]];
  for (let leaf = last === null ? null : Number(last); leaf !== null;) {
    leaves.push(leaf);
    const of = Math.floor(leaf / TILE_WIDTH);
    if (of !== tile) {
      await breathe();
      [tile, links] = [of, await linksOf(of)];
    }
    const place = links[leaf % TILE_WIDTH] ?? 0n;
    leaf = place === 0n ? null : Number(place) - 1;
  }
  return leaves.reverse();
}

function leavesOf(chains: readonly FoundChain[], kind: EntryKind): readonly number[] {
  return chains.find((chain) => chain.kind === kind)!.leaves;
}

/** Of all chains, in the order of the log. */
function indicesOf(found: readonly FoundSubject[]): number[] {
  return found.flatMap(({ chains }) => chains.flatMap(({ leaves }) => leaves)).sort((a, b) => a - b);
}

interface FoundChain extends ProvenChain {
  readonly leaves: readonly number[];
}

interface FoundSubject {
  readonly subject: string;
  readonly chains: readonly FoundChain[];
}
