import { LaneGap, LaneRevisions, type KeylessStore } from '@sijill/event-store';
import {
  HASH_BYTES,
  isRefusal,
  readLogName,
  sameBytes,
  TILE_WIDTH,
  tileRoot,
  tileWidth,
  treeRoot,
  withTiles,
  type TilePlace,
  type Trust,
} from '@sijill/transparency';
import type { LogStore, SignedCheckpoint } from '../log-store.js';
import { fromTiles } from '../prove.js';
import type { MapStore } from '../subjects/map-store.js';
import { AnnouncedTrust } from './announced-trust.js';
import {
  bothForeign,
  NONE_FOREIGN,
  type Finding,
  type ForeignFound,
  type RangeChecked,
  type TileRange,
} from './check-range.js';
import { beginning, tileToGoOnFrom, type Reached } from './reached.js';
import { verifySubjects } from './verify-subjects.js';

/** Tiles of level 0 that are compared in one go: some sixteen thousand entries. */
const RANGE_TILES = 64;
const READ_AT_ONCE = 2_000;

export interface VerifyOptions {
  /** Whose signatures count. Of the log's keys the one with which it began, or all: the others follow from what it has announced. */
  readonly trust: Trust;
  /** Compares one range; several are asked for at once when there are several hands. */
  readonly check: (range: TileRange, size: number) => Promise<RangeChecked>;
  readonly hands: number;
  /** Checkpoints from elsewhere, as somebody has kept them: the store must have become what it is from these too. */
  readonly kept?: readonly string[];
  /** What an earlier run has noted of how far it came: a `Reached`, or whatever is found where that is kept. */
  readonly note?: unknown;
  readonly onProgress?: (leaves: number, size: number, reached: Reached) => void;
  /** The map of subjects, which is made anew and compared, once the leaves are right. */
  readonly maps?: MapStore;
  readonly onMapProgress?: (leaves: number, size: number) => void;
}

export interface StoreVerified {
  /** What is wrong, the first one first; nothing when all is as it was signed. */
  readonly findings: readonly Finding[];
  /** The first leaf that was compared; not 0 where an earlier run was gone on with. Of those before nothing is said. */
  readonly from: number;
  /** Leaves that are signed and were compared. */
  readonly leaves: number;
  readonly checkpoints: number;
  /** Maps of subjects in the log that were compared. */
  readonly maps: number;
  readonly bytes: number;
  /** Leaves of events that somebody else has put into the lanes. They are as they were signed, and nothing rests on them. */
  readonly foreign: ForeignFound;
  /** Entries of the store that no checkpoint covers yet. */
  readonly unsigned: number;
  /** How often the end of the store was lost and that was put on record: of what was lost nothing is said. */
  readonly losses: number;
}

/**
 * Compares the whole store with all that was ever signed over it: every entry with its leaf, every tile with the one above it,
 * every checkpoint with the tree, and its signatures with the keys that the log had announced by then.
 *
 * It finds what was changed, left out, added, moved or taken back since it was signed, sealed parts included. What else stands beside a
 * leaf is its authenticator: whether that holds can be said only with the key, see `checkRange`. Entries that were hidden before they were
 * signed are missed by the revisions of their lanes. That nothing else was changed before it was signed, or store, log and keys together
 * since, it cannot say: for that somebody else has to have kept a checkpoint.
 */
export async function verifyStore(store: KeylessStore, log: LogStore, options: VerifyOptions): Promise<StoreVerified> {
  // A notary may be at work. A checkpoint commits with its leaves, so that the last one read before the size is covered by it, and
  // what comes after is for the next time.
  const last = (await log.checkpoint())?.size ?? 0;
  const { size, position } = await log.head();
  const { kept = [], trust, note = null } = options;
  const begun = await beginning(log, size, trust);
  const fromTile = note === null ? 0 : await tileToGoOnFrom(log, size, trust, note);
  const ranges = await checkRanges({ ...begun, tile: fromTile }, options);
  const findings = [...ranges.findings, ...(await checkUpperTiles(log, size))];
  const announced = await AnnouncedTrust.of(store, log, size, trust);
  if (announced.finding !== null) findings.push(announced.finding);
  let checkpoints = 0;
  for await (const checkpoint of log.checkpoints()) {
    if (checkpoint.size > last) break;
    checkpoints++;
    const finding = await checkCheckpoint(log, size, checkpoint.note, announced, checkpoint);
    if (finding !== null) findings.push(finding);
  }
  for (const note of kept) {
    checkpoints++;
    const finding = await checkCheckpoint(log, (await log.head()).size, note, announced, null);
    if (finding !== null) findings.push(finding);
  }
  const lanes = findings.length === 0 ? await readLanes(store, log, fromTile, position) : null;
  if (lanes !== null && lanes.missing !== null) findings.push(lanes.missing);
  const maps =
    options.maps === undefined || findings.length > 0
      ? null
      : await verifySubjects(store, log, options.maps, size, options.onMapProgress);
  findings.push(...(maps?.findings ?? []));
  return {
    findings: findings.sort((a, b) => a.index - b.index),
    from: fromTile * TILE_WIDTH,
    leaves: size - fromTile * TILE_WIDTH,
    checkpoints,
    maps: maps?.maps ?? 0,
    bytes: ranges.bytes,
    foreign: ranges.foreign,
    unsigned: findings.length > 0 ? 0 : lanes!.unsigned,
    losses: await log.losses(),
  };
}

/** Stops behind the first range with a finding; which is the first does not depend on how many hands there are. */
async function checkRanges(
  begun: Reached,
  { check, hands, onProgress = () => undefined }: VerifyOptions,
): Promise<{ findings: Finding[]; bytes: number; foreign: ForeignFound }> {
  const { size, tile: first } = begun;
  const [tiles, full] = [Math.ceil(size / TILE_WIDTH), Math.floor(size / TILE_WIDTH)];
  const findings: Finding[] = [];
  const done = new Set<number>();
  let [bytes, next, whole] = [0, first, first];
  let foreign = NONE_FOREIGN;
  const work = async (): Promise<void> => {
    while (next < tiles && findings.length === 0) {
      const range = { from: next, to: Math.min(tiles, next + RANGE_TILES) };
      next = range.to;
      const checked = await check(range, size);
      bytes += checked.bytes;
      foreign = bothForeign(foreign, checked.foreign);
      if (checked.finding === null) done.add(range.from);
      else findings.push(checked.finding);
      while (done.delete(whole)) whole += RANGE_TILES;
      onProgress(Math.min(size, whole * TILE_WIDTH), size, { ...begun, tile: Math.min(full, whole) });
    }
  };
  await Promise.all(Array.from({ length: hands }, work));
  return { findings, bytes, foreign };
}

/** Every full tile above the leaves has its hash in the tile above it. */
async function checkUpperTiles(log: LogStore, size: number): Promise<Finding[]> {
  const whole = BigInt(size);
  for (let level = 1; whole >> BigInt(8 * level) > 0n; level++) {
    for (let index = 0n; ; index++) {
      const width = tileWidth({ level, index }, whole);
      if (width === 0) break;
      const parent = { level: level + 1, index: index / BigInt(TILE_WIDTH) };
      const [tile, above] = await log.tiles([{ level, index }, parent]);
      const leaf = Number(index << BigInt(8 * (level + 1)));
      const detail = `tile ${level}/${index} or the one above it was changed`;
      if ((tile?.length ?? 0) < width * HASH_BYTES) return [{ what: 'tile', index: leaf, detail }];
      if (width < TILE_WIDTH) continue;
      const at = Number(index % BigInt(TILE_WIDTH)) * HASH_BYTES;
      if (!sameBytes(tileRoot(tile!), (above ?? new Uint8Array()).subarray(at, at + HASH_BYTES)))
        return [{ what: 'tile', index: leaf, detail }];
    }
  }
  return [];
}

async function checkCheckpoint(
  log: LogStore,
  size: number,
  note: string,
  trust: AnnouncedTrust,
  row: SignedCheckpoint | null,
): Promise<Finding | null> {
  const wrong = (at: number, detail: string): Finding => ({ what: 'checkpoint', index: at, detail });
  try {
    const checkpoint = await (row === null ? trust.open(note) : trust.openOwn(note));
    const at = Number(checkpoint.size);
    if (row !== null && (row.size !== at || !sameBytes(row.root, checkpoint.root)))
      return wrong(row.size, `the checkpoint kept at ${row.size} is one of ${at} leaves, or has another root`);
    const { losses } = readLogName(checkpoint.origin);
    if (losses < (await log.losses())) {
      const then = await formerRoot(log, losses, checkpoint.size);
      return sameBytes(then, checkpoint.root)
        ? null
        : wrong(at, `the first ${at} entries did not have, before the loss, the root that was signed for them`);
    }
    if (at > size) return wrong(at, `${at} entries were signed, and the log has ${size}`);
    const root = await fromTiles(log, (read) => treeRoot(checkpoint.size, read));
    return sameBytes(root, checkpoint.root)
      ? null
      : wrong(at, `the first ${at} entries do not have the root that was signed for them`);
  } catch (error) {
    if (isRefusal(error))
      return wrong(row?.size ?? 0, `the checkpoint at ${row?.size ?? '?'} does not hold: ${error.message}`);
    throw error;
  }
}

/** The root of the log as it was when there had been so many losses. */
function formerRoot(log: LogStore, losses: number, size: bigint): Promise<Uint8Array> {
  const load = async (places: readonly TilePlace[]): Promise<Uint8Array[]> =>
    (await log.formerTiles(losses, places)).map((hashes) => hashes ?? new Uint8Array());
  return withTiles((read) => treeRoot(size, read), load);
}

/**
 * Reads the lanes to their ends, behind what is signed too: entries that are missing in them were hidden before they became leaves, so that
 * no leaf tells of them.
 *
 * @param position of the last that is signed
 * @returns the first that is missing, or how many are not signed yet
 */
async function readLanes(
  store: KeylessStore,
  log: LogStore,
  fromTile: number,
  position: number,
): Promise<{ missing: Finding | null; unsigned: number }> {
  let [index, unsigned] = [fromTile * TILE_WIDTH, 0];
  const after = fromTile === 0 ? 0 : (await log.positionsOf(fromTile - 1)).at(-1)!;
  const lanes = new LaneRevisions([], fromTile === 0);
  for await (const batch of store.events.readAll({ after, batchSize: READ_AT_ONCE })) {
    try {
      lanes.take(batch);
    } catch (error) {
      if (!(error instanceof LaneGap)) throw error;
      const at = batch.findIndex(({ stream, revision }) => stream === error.stream && revision === error.last + 1);
      return { missing: { what: 'entry', index: index + at, detail: error.message }, unsigned };
    }
    index += batch.length;
    unsigned += batch.filter((event) => event.position > position).length;
  }
  return { missing: null, unsigned };
}
