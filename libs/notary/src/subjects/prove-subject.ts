import { setTimeout as pause } from 'node:timers/promises';
import { entryText, leafText, type EventStore } from '@sijill/event-store';
import {
  formatMapProof,
  sameBytes,
  subjectKey,
  SubjectMap,
  TILE_WIDTH,
  type AccountedEntry,
  type AccountingProof,
  type PlacedLeaf,
} from '@sijill/transparency';
import type { LogStore, SignedCheckpoint } from '../log-store.js';
import { inclusionPath } from '../prove.js';
import { entryAt } from '../store-entries.js';
import type { MapStore } from './map-store.js';
import { lastAnnounced, type AnnouncedMap } from './subject-map-entry.js';

export interface ProofWish {
  /** A store position that the proof should cover: where the report beside it stands. */
  readonly covering: number;
  /** How long that is waited for, in milliseconds; then the proof covers what it can. */
  readonly patienceMs: number;
}

const LOOK_MS = 100;

/** Makes the proofs that a subject's entries are all there. */
export class SubjectProofs {
  constructor(
    private readonly store: EventStore,
    private readonly log: LogStore,
    private readonly maps: MapStore,
    /** The last checkpoint that is given away. */
    private readonly published: () => Promise<SignedCheckpoint | null>,
  ) {}

  /**
   * The proof of all entries of a subject, as of the newest map that the log has under a checkpoint. A map that does not cover what is
   * wished for is asked to.
   *
   * @returns null when no map was signed in time: there is no notary, or it is far behind
   * @throws StoreUnavailable | FormatInvalid the map is damaged
   */
  async prove(subject: string, { covering, patienceMs }: ProofWish): Promise<AccountingProof | null> {
    const until = Date.now() + patienceMs;
    await this.maps.want(covering);
    for (;;) {
      const late = Date.now() >= until;
      const announced = await lastAnnounced(this.store);
      const checkpoint = announced === null ? null : await this.covering(announced.entry.position);
      if (checkpoint !== null && (late || (await this.maps.head()).position >= covering)) {
        const found = await this.look(subject, announced!);
        if (found !== null) return this.write(subject, found, checkpoint, covering);
      }
      if (late) return null;
      await pause(LOOK_MS);
    }
  }

  /** What the map holds for a subject and which leaves it is made of; null while the map is not the one that the log has. */
  private async look(subject: string, announced: AnnouncedMap): Promise<Found | null> {
    return this.maps.look(async ({ head, tiles, linksOf }) => {
      if (!sameBytes(head.root, announced.root)) return null;
      const { proof, last } = await new SubjectMap(tiles).prove(subjectKey(subject));
      const leaves: number[] = [];
      for (let leaf = last === null ? null : Number(last); leaf !== null;) {
        leaves.push(leaf);
        const place = (await linksOf(Math.floor(leaf / TILE_WIDTH)))[leaf % TILE_WIDTH] ?? 0n;
        leaf = place === 0n ? null : Number(place) - 1;
      }
      return { announced, proof: formatMapProof(proof), leaves: leaves.reverse() };
    });
  }

  /** The last checkpoint, when it covers the entry at a store position. */
  private async covering(position: number): Promise<SignedCheckpoint | null> {
    const [checkpoint, index] = [await this.published(), await this.log.indexAt(position)];
    return checkpoint !== null && index !== null && index < checkpoint.size ? checkpoint : null;
  }

  private async write(
    subject: string,
    { announced, proof, leaves }: Found,
    checkpoint: SignedCheckpoint,
    asOf: number,
  ): Promise<AccountingProof> {
    const place = async (index: number): Promise<PlacedLeaf> => ({
      index: BigInt(index),
      path: await inclusionPath(this.log, index, checkpoint.size),
    });
    const entries: AccountedEntry[] = [];
    for (const index of leaves) {
      const entry = await entryAt(this.store, (await this.log.positionAt(index))!);
      entries.push({ ...(await place(index)), leaf: leafText(entry) });
    }
    const { position } = announced.entry;
    return {
      subject,
      asOf: { position: BigInt(asOf), leaves: BigInt(await this.log.leavesUpTo(asOf)) },
      checkpoint: checkpoint.note,
      map: {
        ...(await place((await this.log.indexAt(position))!)),
        leaf: leafText(entryText(announced.entry)),
        proof,
      },
      entries,
    };
  }
}

interface Found {
  readonly announced: AnnouncedMap;
  readonly proof: string;
  readonly leaves: readonly number[];
}
