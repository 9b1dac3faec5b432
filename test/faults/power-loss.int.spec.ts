import { openEmbeddedStore, type EventStore, type NewEntry } from '@sijill/event-store';
import { closeSync, fsyncSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bulky } from '../support/power-loss/bulky.js';
import { describeWithDiskTrace, type DiskCall } from '../support/power-loss/disk-trace.js';
import { seeded } from '../support/seeded.js';
import { freshDataDir } from '../support/sijill.js';

/** So many losses of power at least, spread over every frame boundary and over bytes within what was not synced. */
const LOSSES = 500;
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** So long is the log before the trace begins: SQLite moves it into the file at a thousand frames, and begins it again. */
const LOG_BEFORE = 750 * 4120;
const COMMITS = 55;

type Image = Record<'database' | 'wal', Buffer>;

/**
 * What may lie on the disk after a loss of power: all that was synced, and of what was not, anything. `everything` is the kindest
 * disk, that wrote in order up to there; `nothing` the plainest, that waited for a sync; `some` one that wrote what it liked, in
 * its own order, the last of it torn.
 */
type Fate = 'everything' | 'nothing' | 'some';

describeWithDiskTrace('power lost while the embedded store writes', (disk) => {
  /** Lets a process append to a store that is in use, and loses the power again and again in its trace. */
  const lose = async (syncs: 'as the store asks' | 'at checkpoints only'): Promise<Verdict> => {
    const random = seeded(SEED);
    const file = join(freshDataDir('power'), 'ledger.sqlite');
    // This process stays connected, or the other would begin with an empty log.
    const store = openEmbeddedStore({ file });
    const before: NewEntry[] = [];
    for (let end = -1; end < 0 || statSync(`${file}-wal`).size < LOG_BEFORE; end += 3) {
      before.push(...Array.from({ length: 3 }, () => bulky(random)));
      await store.append('ledger-before', before.slice(-3), end < 0 ? 'no_stream' : end);
    }
    for (const part of [file, `${file}-wal`]) syncNow(part);
    const start: Image = { database: readFileSync(file), wal: readFileSync(`${file}-wal`) };

    const calls = await disk.ofAppending(file, { seed: SEED, commits: COMMITS, syncs });
    const whole = await idsOf(store);
    await store.close();

    const acknowledgements = calls.filter((call) => call.kind === 'acknowledged');
    const verdict: Verdict = {
      losses: 0,
      lossesWithUnsynced: 0,
      lost: 0,
      checkpoints: checkpointsIn(calls),
      wrong: [],
    };
    // Where an append may end: nothing else may be the end of what is found.
    const ends = new Set([...acknowledgements.map(({ position }) => position), before.length]);
    const judge = async (until: number, fate: Fate): Promise<void> => {
      const done = calls.slice(0, until);
      const { image, unsynced } = imageAfter(start, done, fate, random);
      const found = await idsIn(image, freshDataDir('power'));
      verdict.losses += 1;
      if (unsynced > 0) verdict.lossesWithUnsynced += 1;
      const told = done.filter((call) => call.kind === 'acknowledged').flatMap(({ ids }) => ids);
      const there = new Set(found);
      if (told.some((id) => !there.has(id))) verdict.lost += 1;
      if (found.some((id, i) => id !== whole[i])) verdict.wrong.push(`${until} ${fate}: another order`);
      if (!ends.has(found.length)) verdict.wrong.push(`${until} ${fate}: part of an append`);
    };

    // A frame is two writes to the log: its header, then its page. Before the first and behind each there is a boundary.
    const boundaries = calls.flatMap((call, i) =>
      call.kind === 'written' && call.file === 'wal' && call.bytes.length > 100 ? [i + 1] : [],
    );
    const fates: Fate[] = ['everything', 'nothing', 'some'];
    for (const [i, until] of boundaries.entries()) await judge(until, fates[i % 3]!);
    while (verdict.losses < LOSSES) await judge(1 + Math.floor(random() * calls.length), 'some');
    return verdict;
  };

  it(`takes back nothing that was acknowledged, and leaves whole appends in their order (seed ${SEED})`, async () => {
    const { lost, wrong, ...verdict } = await lose('as the store asks');
    process.stdout.write(`power loss: ${JSON.stringify(verdict)} with the syncs of the store, ${lost} lost\n`);
    expect({ lost, wrong }).toEqual({ lost: 0, wrong: [] });
    expect(verdict.losses).toBeGreaterThanOrEqual(LOSSES);
    expect(verdict.lossesWithUnsynced).toBeGreaterThan(LOSSES / 4);
    expect(verdict.checkpoints).toBeGreaterThan(0);
  }, 240_000);

  it(`would take back what was acknowledged if the store synced at checkpoints only (seed ${SEED})`, async () => {
    const { lost, wrong, ...verdict } = await lose('at checkpoints only');
    process.stdout.write(`power loss: ${JSON.stringify(verdict)} with syncs at checkpoints only, ${lost} lost\n`);
    expect(lost).toBeGreaterThan(LOSSES / 4);
    // Less is there, and what is there is whole and in order all the same.
    expect(wrong).toEqual([]);
  }, 240_000);
});

interface Verdict {
  losses: number;
  /** How many of them met bytes that no sync had covered. */
  lossesWithUnsynced: number;
  /** After how many of them something acknowledged was gone. */
  lost: number;
  checkpoints: number;
  readonly wrong: string[];
}

/** Pages go to the database file at a checkpoint; one begins where its first write stands behind one to the log. */
function checkpointsIn(calls: readonly DiskCall[]): number {
  const written = calls.filter((call) => call.kind === 'written');
  return written.filter((call, i) => call.file === 'database' && written[i - 1]?.file === 'wal').length;
}

function imageAfter(
  start: Image,
  calls: readonly DiskCall[],
  fate: Fate,
  random: () => number,
): { image: Image; unsynced: number } {
  const image: Image = { ...start };
  let unsynced = 0;
  for (const file of ['database', 'wal'] as const) {
    const ofFile = calls.filter((call) => call.kind !== 'acknowledged' && call.file === file);
    const sync = ofFile.findLastIndex(({ kind }) => kind === 'synced') + 1;
    const open = ofFile.slice(sync);
    unsynced += open.length;
    const kept = fate === 'everything' ? open : fate === 'nothing' ? [] : someOf(open, random);
    image[file] = applied(start[file], [...ofFile.slice(0, sync), ...kept]);
  }
  return { image, unsynced };
}

/** Some of the calls in an order of their own, the last one torn. */
function someOf(calls: readonly DiskCall[], random: () => number): DiskCall[] {
  const some = calls.filter(() => random() < 0.7);
  // Half of them in order, so that whole commits without a sync are among what is found.
  if (random() < 0.5) {
    for (let i = some.length - 1; i > 0; i--) {
      const k = Math.floor(random() * (i + 1));
      [some[i], some[k]] = [some[k]!, some[i]!];
    }
  } else some.splice(0, some.length, ...calls.slice(0, 1 + Math.floor(random() * calls.length)));
  const last = some.at(-1);
  if (last?.kind === 'written')
    some[some.length - 1] = { ...last, bytes: last.bytes.subarray(0, Math.floor(random() * last.bytes.length)) };
  return some;
}

function applied(start: Buffer, calls: readonly DiskCall[]): Buffer {
  const end = calls.reduce(
    (most, call) => Math.max(most, call.kind === 'written' ? call.offset + call.bytes.length : 0),
    start.length,
  );
  const bytes = Buffer.alloc(end);
  start.copy(bytes);
  let length = start.length;
  for (const call of calls) {
    if (call.kind === 'cut') {
      bytes.fill(0, Math.min(call.length, end));
      length = call.length;
    } else if (call.kind === 'written') {
      call.bytes.copy(bytes, call.offset);
      length = Math.max(length, call.offset + call.bytes.length);
    }
  }
  return bytes.subarray(0, length);
}

/** What the product finds in an image. */
async function idsIn(image: Image, directory: string): Promise<string[]> {
  const file = join(directory, 'ledger.sqlite');
  writeFileSync(file, image.database);
  writeFileSync(`${file}-wal`, image.wal);
  const store = openEmbeddedStore({ file });
  const ids = await idsOf(store);
  await store.close();
  rmSync(directory, { recursive: true });
  return ids;
}

/** All ids in the order of the store, whose positions and revisions have no gap. */
async function idsOf(store: EventStore): Promise<string[]> {
  const ids: string[] = [];
  const ends = new Map<string, number>();
  for await (const batch of store.readAll()) {
    for (const { id, stream, revision, position } of batch) {
      ids.push(id);
      if (position !== ids.length || revision !== (ends.get(stream) ?? -1) + 1)
        throw new Error(`a gap at position ${position}`);
      ends.set(stream, revision);
    }
  }
  return ids;
}

function syncNow(file: string): void {
  const descriptor = openSync(file, 'r+');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
