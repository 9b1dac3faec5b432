import { setImmediate as breathe } from 'node:timers/promises';
import {
  foreignDigest,
  foreignLeafText,
  withoutKey,
  type AuthenticStore,
  type EntryText,
  type KeylessStore,
} from '@sijill/event-store';
import {
  HASH_BYTES,
  hashLeafText,
  sameBytes,
  chainKey,
  entryKind,
  SubjectMap,
  TILE_WIDTH,
  treeRoot,
  type SubjectEntry,
} from '@sijill/transparency';
import type { LogStore } from '../log-store.js';
import { fromTiles } from '../prove.js';
import { isLogged } from '../verification/logged-entries.js';
import type { MapHead, MapStore } from './map-store.js';
import { subjectOf } from './subject-map-entry.js';

/**
 * Entries that become one step of the map: each costs some fifteen microseconds, and nothing else runs meanwhile. On a thread of its own
 * the map cost intake more, and forty megabytes.
 */
const STEP = 1_000;

/** The store has something else than what was signed: no map is made of that. */
export class StoreChanged extends Error {
  override readonly name = 'StoreChanged';
}

/**
 * Extends the map behind the log: reads the events of the store, takes the hashes of their leaves from the log's tiles, and adds
 * those that concern a subject to the subject's chain of their kind. Each step commits with its size and position.
 *
 * What an event is, the log has said when it was signed: an entry where the leaf is that of the entry, somebody else's where it is that of a
 * foreign event. Its code is not asked again: one that was damaged since would leave its entry out of a map that is signed for good.
 */
export class MapExtension {
  private readonly map: SubjectMap;
  private readonly store: KeylessStore;

  constructor(
    store: Pick<AuthenticStore, 'events'>,
    private readonly log: LogStore,
    private readonly maps: MapStore,
  ) {
    this.store = withoutKey(store);
    this.map = new SubjectMap(maps.tiles);
  }

  /**
   * Makes the map cover so many leaves of the log. A map that is not this log's is made anew.
   *
   * @param size leaves that the log has committed
   * @returns what the map covers then: less where the store ends before
   * @throws HeadMoved     another has extended it
   * @throws StoreChanged  an event is not what was signed
   * @throws FormatInvalid the map is damaged
   */
  async upTo(size: number): Promise<MapHead> {
    let head = await this.maps.head();
    if (head.size > size || !sameBytes(await this.rootAt(head.size), head.logRoot)) {
      await this.maps.clear();
      head = await this.maps.head();
    }
    for await (const batch of this.store.readTexts({ after: head.position, batchSize: STEP })) {
      if (head.size === size) break;
      head = await this.take(head, batch.slice(0, size - head.size));
      await breathe();
    }
    return head;
  }

  private rootAt(size: number): Promise<Uint8Array> {
    return fromTiles(this.log, (read) => treeRoot(BigInt(size), read));
  }

  private async take(from: MapHead, entries: readonly EntryText[]): Promise<MapHead> {
    const hashes = await this.log.leafHashes(from.size, entries.length);
    const concerned: SubjectEntry[] = [];
    for (const [i, entry] of entries.entries()) {
      const leafHash = hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
      if (!isLogged(entry, leafHash)) {
        await this.assertForeign(entry, leafHash, from.size + i);
        continue;
      }
      const subject = subjectOf(entry);
      if (subject === null) continue;
      const key = chainKey(subject, entryKind(entry.type));
      concerned.push({ key, leafIndex: BigInt(from.size + i), leafHash });
    }
    const { root, added, written: tiles, links } = await this.map.extend(concerned);
    const size = from.size + entries.length;
    const to = {
      ...from,
      size,
      position: entries.at(-1)!.position,
      logRoot: await this.rootAt(size),
      chains: from.chains + added,
      root,
    };
    const before = new Map(links.map(({ leafIndex, previous }) => [Number(leafIndex), previous]));
    await this.maps.commit({ from, to, tiles, links: await this.linksFrom(from.size, size, before) });
    return to;
  }

  private async assertForeign({ position }: EntryText, leafHash: Uint8Array, index: number): Promise<void> {
    for await (const [event] of this.store.events.readAll({ from: position, batchSize: 1 })) {
      const leaf = foreignLeafText({ ...event!, sha256: foreignDigest(event!) });
      if (sameBytes(hashLeafText(leaf), leafHash)) return;
      break;
    }
    throw new StoreChanged(
      `the event at position ${position} is not what was signed as leaf ${index}; sijill verify store names it`,
    );
  }

  /** The links of all tiles that these leaves are in, whole. */
  private async linksFrom(
    from: number,
    to: number,
    before: ReadonlyMap<number, bigint | null>,
  ): Promise<Map<number, bigint[]>> {
    const links = new Map<number, bigint[]>();
    const first = Math.floor(from / TILE_WIDTH);
    if (from % TILE_WIDTH > 0) links.set(first, (await this.maps.linksOf(first)).slice(0, from % TILE_WIDTH));
    for (let leaf = from; leaf < to; leaf++) {
      const tile = Math.floor(leaf / TILE_WIDTH);
      const previous = before.get(leaf) ?? null;
      const place = previous === null ? 0n : previous + 1n;
      const of = links.get(tile);
      if (of === undefined) links.set(tile, [place]);
      else of.push(place);
    }
    return links;
  }
}
