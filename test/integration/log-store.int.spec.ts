import type { EntryText } from '@sijill/event-store';
import { GrowingLog, LogStore } from '@sijill/notary';
import { systemClock, type SqlTarget } from '@sijill/platform';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { freshDataDir } from '../support/sijill.js';

/** An entry with a place in the store of its own: every third. */
function entryOf(index: number): EntryText {
  const position = 3 * index + 5;
  return {
    id: `id-${index}`,
    type: 'ledger.tested',
    stream: 'ledger-a',
    revision: index,
    position,
    data: '{}',
    metadata: '{}',
    sealed: '',
    foreign: false,
  };
}

function keepsTheLog(target: () => Promise<SqlTarget>): void {
  it('finds each leaf by its position, in whatever steps the log has grown', async () => {
    const to = await target();
    let size = 0;
    for (const steps of [[1, 254], [1, 1], [700, 67, 256], [9]]) {
      const log = await LogStore.open(to);
      const growing = await GrowingLog.resume(log, systemClock);
      expect(growing.head.size).toBe(size);
      for (const step of steps) {
        growing.add(Array.from({ length: step }, () => entryOf(size++)));
        await growing.commit(null);
        expect(growing.head).toEqual({ size, position: entryOf(size - 1).position });
      }
      await log.close();
    }
    const log = await LogStore.open(to);
    for (let index = 0; index < size; index++) expect(await log.indexAt(entryOf(index).position)).toBe(index);
    expect(await log.indexAt(entryOf(size).position)).toBeNull();
    const tiles = await log.leafTiles(1, 3);
    expect([...tiles.keys()].sort()).toEqual([1, 2]);
    const second = Array.from({ length: 256 }, (_, i) => entryOf(512 + i).position);
    expect(tiles.get(2)).toEqual({ hashes: (await log.tiles([{ level: 0, index: 2n }]))[0], positions: second });
    await log.close();
  });

  it('takes more tiles in one commit than a statement can hold', async () => {
    const log = await LogStore.open(await target());
    const tiles = Array.from({ length: 14_000 }, (_, i) => ({
      level: 1,
      index: BigInt(i),
      hashes: new Uint8Array(new Uint32Array(8).fill(i).buffer),
    }));
    const to = { size: 1, position: 1 };
    await log.grow({ from: { size: 0, position: 0 }, to, tiles, positions: [], lanes: new Map(), checkpoint: null });
    const places = [0n, 999n, 1_000n, 13_999n].map((index) => ({ level: 1, index }));
    expect((await log.tiles(places)).map((hashes) => Buffer.from(hashes!).readUInt32LE())).toEqual([
      0, 999, 1_000, 13_999,
    ]);
    await log.close();
  });
}

describe('the log in SQLite', () => {
  const folder = freshDataDir('log-store');
  let files = 0;
  const file = (): string => join(folder, `log-${files++}.sqlite`);
  keepsTheLog(async () => ({ kind: 'sqlite', file: file() }));

  it('does not go on from positions that are cut', async () => {
    const path = file();
    const log = await LogStore.open({ kind: 'sqlite', file: path });
    const growing = await GrowingLog.resume(log, systemClock);
    growing.add([entryOf(0), entryOf(1)]);
    await growing.commit(null);
    const database = new Database(path);
    database.exec('update log_tile set positions = substr(positions, 1, 8)');
    database.close();
    await expect(GrowingLog.resume(log, systemClock)).rejects.toThrow(RangeError);
    await log.close();
  });
});

describeWithPostgres('the log in PostgreSQL', (postgres) => {
  keepsTheLog(async () => ({ kind: 'postgresql', url: await postgres.freshDatabase('log_store') }));
});
