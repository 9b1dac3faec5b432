import type { EntryText, KeylessStore } from '@sijill/event-store';
import {
  HASH_BYTES,
  MAP_LANE,
  sameBytes,
  sha256,
  chainKey,
  entryKind,
  SubjectMap,
  SUBJECTS_MAPPED,
  TILE_WIDTH,
  toHex,
  type ChainLink,
  type SubjectEntry,
} from '@sijill/transparency';
import type { LogStore } from '../log-store.js';
import type { MapHead, MapStore } from '../subjects/map-store.js';
import { announcedIn, subjectOf } from '../subjects/subject-map-entry.js';
import type { Finding } from './check-range.js';
import { isLogged, loggedEntries } from './logged-entries.js';

export interface SubjectsVerified {
  /** What is wrong, the first one first. */
  readonly findings: readonly Finding[];
  /** Maps that the log has, all of which were compared. */
  readonly maps: number;
  readonly chains: number;
}

/** Leaves read in one go, a whole number of tiles. */
const STEP = 16 * TILE_WIDTH;

/**
 * Makes the map of subjects anew from the log's leaves, and compares it with every map that the log has, and with the one beside the
 * log that proofs are made from. So it is seen that no subject's entry was left out of a map, added, or filed under another.
 *
 * The leaves must have been compared with the store before: their hashes are taken from the log's tiles, and tell what is foreign from
 * what is not. The map is kept in memory,
 * some 150 bytes a chain.
 *
 * @param size leaves of the log
 */
export async function verifySubjects(
  store: KeylessStore,
  log: LogStore,
  maps: MapStore,
  size: number,
  onProgress: (leaves: number, size: number) => void = () => undefined,
): Promise<SubjectsVerified> {
  const findings: Finding[] = [];
  const wrong = (index: number, detail: string): void => void findings.push({ what: 'map', index, detail });
  const beside = await keptMap(maps);
  const due: { size: number; check: (root: Uint8Array, chains: number) => void }[] = [];
  let [inLog, last] = [0, 0];
  for await (const { entry, index } of loggedEntries(store, log, size, MAP_LANE)) {
    const map = announcedIn(entry);
    inLog++;
    const named = `the map of subjects in leaf ${index}, entry ${map.entry.id},`;
    if (!(map.size > last && map.size <= index)) wrong(index, `${named} does not cover more than the one before`);
    else
      due.push({
        size: (last = map.size),
        check: (root) => {
          if (!sameBytes(root, map.root)) wrong(index, `${named} is not that of the first ${map.size} entries`);
        },
      });
  }
  if (beside.head.size <= size)
    due.push({
      size: beside.head.size,
      check: (root, chains) => {
        if (!sameBytes(root, beside.head.root) || chains !== beside.head.chains || !beside.isMadeOf(tiles))
          wrong(
            beside.head.size,
            `the map of subjects beside the log is not that of the first ${beside.head.size} entries`,
          );
      },
    });
  due.sort((a, b) => a.size - b.size);

  const tiles = new Map<string, Uint8Array>();
  const map = new SubjectMap({
    read: async (prefixes) => new Map(prefixes.flatMap((at) => (tiles.has(at) ? [[at, tiles.get(at)!] as const] : []))),
  });
  let [root, chains, done]: [Uint8Array, number, number] = [new Uint8Array(HASH_BYTES), 0, 0];
  const take = async (entries: readonly SubjectEntry[], to: number): Promise<void> => {
    const change = await map.extend(entries);
    for (const [prefix, tile] of change.written) tiles.set(prefix, tile);
    [root, chains] = [change.root, chains + change.added];
    const link = await wrongLink(maps, beside.head, { from: done, to }, change.links);
    done = to;
    if (link !== null && findings.length === 0)
      wrong(link, `leaf ${link} does not lead to the entry before it of its subject, in the map beside the log`);
  };
  for await (const batch of store.readTexts({ batchSize: STEP })) {
    const entries = batch.slice(0, size - done);
    const hashes = await log.leafHashes(done, entries.length);
    for (let from = 0; from < entries.length;) {
      while (due[0]?.size === done) due.shift()!.check(root, chains);
      const to = Math.min(entries.length, from + ((due[0]?.size ?? Infinity) - done));
      const end = done + to - from;
      await take(entriesOf(entries.slice(from, to), done, hashes.subarray(from * HASH_BYTES), wrong), end);
      from = to;
    }
    onProgress(done, size);
    if (done === size) break;
  }
  while (due[0]?.size === done) due.shift()!.check(root, chains);
  return { findings: findings.sort((a, b) => a.index - b.index), maps: inLog, chains };
}

/** The map beside the log as it is now, with a digest of each of its tiles: a notary may go on with it meanwhile. */
async function keptMap(
  maps: MapStore,
): Promise<{ head: MapHead; isMadeOf: (tiles: ReadonlyMap<string, Uint8Array>) => boolean }> {
  const digests = new Map<string, string>();
  const head = await maps.look(async ({ head: now, everyTile }) => {
    for await (const { prefix, tile } of everyTile()) digests.set(prefix, toHex(sha256(tile)));
    return now;
  });
  const isMadeOf = (tiles: ReadonlyMap<string, Uint8Array>): boolean =>
    tiles.size === digests.size && [...tiles].every(([prefix, tile]) => digests.get(prefix) === toHex(sha256(tile)));
  return { head, isMadeOf };
}

/** The first of these leaves whose link is not what it should be; null when all are. Those that concern nobody lead nowhere. */
async function wrongLink(
  maps: MapStore,
  { size }: MapHead,
  { from, to }: { readonly from: number; readonly to: number },
  links: readonly ChainLink[],
): Promise<number | null> {
  const places = new Map(links.map(({ leafIndex, previous }) => [Number(leafIndex), (previous ?? -1n) + 1n]));
  let kept: readonly bigint[] = [];
  for (let leaf = from; leaf < Math.min(to, size); leaf++) {
    if (leaf === from || leaf % TILE_WIDTH === 0) kept = await maps.linksOf(Math.floor(leaf / TILE_WIDTH));
    if (kept[leaf % TILE_WIDTH] !== (places.get(leaf) ?? 0n)) return leaf;
  }
  return null;
}

function entriesOf(
  entries: readonly EntryText[],
  first: number,
  hashes: Uint8Array,
  wrong: (index: number, detail: string) => void,
): SubjectEntry[] {
  return entries.flatMap((entry, i) => {
    const index = first + i;
    const leafHash = hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES);
    if (!isLogged(entry, leafHash)) return [];
    if (entry.type === SUBJECTS_MAPPED && entry.stream !== MAP_LANE)
      wrong(index, `leaf ${index}, entry ${entry.id}, says what the map of subjects is and does not stand in its lane`);
    const subject = subjectOf(entry);
    if (subject === null) return [];
    return [{ key: chainKey(subject, entryKind(entry.type)), leafIndex: BigInt(index), leafHash }];
  });
}
