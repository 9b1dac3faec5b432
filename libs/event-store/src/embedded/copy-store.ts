import { setImmediate as nextTurn } from 'node:timers/promises';
import { openReading, openWriting } from './schema.js';
import { storeFailure } from './sqlite-failure.js';

const PAGE = 2_000;

interface StreamRow {
  readonly id: number;
  readonly name: string;
}

interface EntryRow {
  readonly position: number;
  readonly stream_id: number;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

/**
 * Copies the file of an embedded store up to its end as it is now, while others write to it.
 *
 * Entries never change, so pages that are read one after the other make the same copy as one long look would. A snapshot of the
 * whole would keep SQLite from moving its write-ahead log into the file until the copy is done, and on a busy ledger the log would
 * outgrow the disk.
 *
 * @param to a file that is not there yet
 * @param onProgress is told the position reached and that of the end
 * @returns the position of the last entry copied, 0 when there is none
 * @throws StoreRefused | StoreUnavailable | StoreFull
 */
export async function copyEmbeddedStore(
  from: string,
  to: string,
  onProgress: (position: number, end: number) => void = () => undefined,
): Promise<number> {
  const source = openReading(from);
  try {
    const target = openWriting(to);
    try {
      const end = source.prepare<[], number>('SELECT coalesce(max(position), 0) FROM entry').pluck().get()!;
      const streamsAfter = source.prepare<[number], StreamRow>('SELECT * FROM stream WHERE id > ? ORDER BY id');
      const entriesAfter = source.prepare<[number, number, number], EntryRow>(
        'SELECT * FROM entry WHERE position > ? AND position <= ? ORDER BY position LIMIT ?',
      );
      const newStream = target.prepare<StreamRow>('INSERT INTO stream (id, name) VALUES (@id, @name)');
      const newEntry = target.prepare<EntryRow>(
        'INSERT INTO entry (position, stream_id, revision, id, type, data, metadata) VALUES (@position, @stream_id, @revision, @id, @type, @data, @metadata)',
      );
      const write = target.transaction((streams: readonly StreamRow[], entries: readonly EntryRow[]) => {
        for (const row of streams) newStream.run(row);
        for (const row of entries) newEntry.run(row);
      });
      let stream = 0;
      let position = 0;
      while (position < end) {
        // Entries first: whatever streams they are in is there by then.
        const entries = entriesAfter.all(position, end, PAGE);
        const streams = streamsAfter.all(stream);
        write(streams, entries);
        stream = streams.at(-1)?.id ?? stream;
        position = entries.at(-1)!.position;
        onProgress(position, end);
        await nextTurn();
      }
      return position;
    } finally {
      target.close();
    }
  } catch (error) {
    throw storeFailure(error);
  } finally {
    source.close();
  }
}
