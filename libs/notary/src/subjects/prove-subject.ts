import { setTimeout as pause } from 'node:timers/promises';
import { entryText, leafText, type EventStore } from '@sijill/event-store';
import {
  assertOnePerson,
  formatMapProof,
  isRefusal,
  readLeaf,
  sameBytes,
  subjectKey,
  SubjectMap,
  TILE_WIDTH,
  type AccountedEntry,
  type AccountedSubject,
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

/** Makes the proofs that a person's entries are all there. */
export class SubjectProofs {
  constructor(
    private readonly store: EventStore,
    private readonly log: LogStore,
    private readonly maps: MapStore,
    /** The last checkpoint that is given away. */
    private readonly published: () => Promise<SignedCheckpoint | null>,
  ) {}

  /**
   * The proof of all entries of a person, as of the newest map that the log has under a checkpoint. A map that does not cover what is
   * wished for, or by which these subjects are not exactly one person, is waited for: links are entries, and may have come behind.
   *
   * @param subjectIds whom the accounting is of, and behind it all who are linked to it
   * @returns null when no such map was signed in time: there is no notary, or it is far behind, or who is linked has just changed
   * @throws StoreUnavailable | FormatInvalid the map is damaged
   */
  async prove(subjectIds: readonly string[], { covering, patienceMs }: ProofWish): Promise<AccountingProof | null> {
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
        if (found !== null) {
          const subjects = await this.write(found, checkpoint);
          if (isOnePerson(subjects)) return this.around(subjects, announced!, checkpoint, covering);
          unfit = mappedAt;
          await this.maps.want(await this.store.head());
        }
      }
      if (late) return null;
      await pause(LOOK_MS);
    }
  }

  /** What the map holds for each subject and which leaves it is made of; null while the map is not the one that the log has. */
  private async look(subjectIds: readonly string[], announced: AnnouncedMap): Promise<Found[] | null> {
    return this.maps.look(async ({ head, tiles, linksOf }) => {
      if (!sameBytes(head.root, announced.root)) return null;
      const map = new SubjectMap(tiles);
      const found: Found[] = [];
      for (const subject of subjectIds) {
        const { proof, last } = await map.prove(subjectKey(subject));
        const leaves: number[] = [];
        for (let leaf = last === null ? null : Number(last); leaf !== null;) {
          leaves.push(leaf);
          const place = (await linksOf(Math.floor(leaf / TILE_WIDTH)))[leaf % TILE_WIDTH] ?? 0n;
          leaf = place === 0n ? null : Number(place) - 1;
        }
        found.push({ subject, proof: formatMapProof(proof), leaves: leaves.reverse() });
      }
      return found;
    });
  }

  /** The last checkpoint, when it covers the entry at a store position. */
  private async covering(position: number): Promise<SignedCheckpoint | null> {
    const [checkpoint, index] = [await this.published(), await this.log.indexAt(position)];
    return checkpoint !== null && index !== null && index < checkpoint.size ? checkpoint : null;
  }

  private async write(found: readonly Found[], checkpoint: SignedCheckpoint): Promise<AccountedSubject[]> {
    const subjects: AccountedSubject[] = [];
    for (const { subject, proof, leaves } of found) {
      const entries: AccountedEntry[] = [];
      for (const index of leaves) {
        const entry = await entryAt(this.store, (await this.log.positionAt(index))!);
        entries.push({ ...(await this.place(index, checkpoint)), leaf: leafText(entry) });
      }
      subjects.push({ subject, proof, entries });
    }
    return subjects;
  }

  private async around(
    subjects: readonly AccountedSubject[],
    { entry }: AnnouncedMap,
    checkpoint: SignedCheckpoint,
    asOf: number,
  ): Promise<AccountingProof> {
    const index = (await this.log.indexAt(entry.position))!;
    return {
      asOf: { position: BigInt(asOf), leaves: BigInt(await this.log.leavesUpTo(asOf)) },
      checkpoint: checkpoint.note,
      map: { ...(await this.place(index, checkpoint)), leaf: leafText(entryText(entry)) },
      subjects,
    };
  }

  private async place(index: number, { size }: SignedCheckpoint): Promise<PlacedLeaf> {
    return { index: BigInt(index), path: await inclusionPath(this.log, index, size) };
  }
}

/** The type stands last in a leaf. Few of a person's entries speak of links, and reading one costs as much as placing it. */
const SPEAKS_OF_LINKS = /"type":"sijill\.subjects\.[^"]*"\}$/;

/** Whether the links that the entries tell of make these subjects one person, and nobody else with them. */
function isOnePerson(subjects: readonly AccountedSubject[]): boolean {
  const chains = subjects.map(({ subject, entries }) => ({
    subject,
    entries: entries.flatMap((entry) =>
      'leaf' in entry && SPEAKS_OF_LINKS.test(entry.leaf) ? [{ index: entry.index, entry: readLeaf(entry.leaf) }] : [],
    ),
  }));
  try {
    assertOnePerson(chains);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

interface Found {
  readonly subject: string;
  readonly proof: string;
  readonly leaves: readonly number[];
}
