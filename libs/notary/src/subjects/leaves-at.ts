import { setImmediate as breathe } from 'node:timers/promises';
import { leafText, type EntryText, type EventStore } from '@sijill/event-store';
import { TILE_WIDTH } from '@sijill/transparency';
import type { LogStore } from '../log-store.js';

/** Leaves so near to each other are read in one go, with what lies between them. */
const NEAR = 16;
const MOST_AT_ONCE = 512;

/**
 * The entries behind leaves, as the store has them, each with the text of its leaf. Between two readings others have their turn: an
 * embedded store answers within the call.
 *
 * @param indices in rising order
 * @throws StoreUnavailable
 */
export async function* leavesAt(
  store: EventStore,
  log: LogStore,
  indices: readonly number[],
): AsyncGenerator<{ readonly index: number; readonly leaf: string; readonly entry: EntryText }> {
  let [tile, positions] = [-1, [] as readonly number[]];
  for (let first = 0; first < indices.length;) {
    let end = first + 1;
    while (
      end < indices.length &&
      indices[end]! - indices[end - 1]! <= NEAR &&
      indices[end]! - indices[first]! < MOST_AT_ONCE
    )
      end++;
    const wanted = new Map<number, number>();
    for (const index of indices.slice(first, end)) {
      const of = Math.floor(index / TILE_WIDTH);
      if (of !== tile) [tile, positions] = [of, await log.positionsOf(of)];
      wanted.set(positions[index % TILE_WIDTH]!, index);
    }
    const from = wanted.keys().next().value!;
    const batchSize = indices[end - 1]! - indices[first]! + 1;
    for await (const batch of store.readTexts({ from, batchSize })) {
      for (const entry of batch) {
        const index = wanted.get(entry.position);
        if (index === undefined) continue;
        wanted.delete(entry.position);
        yield { index, leaf: leafText(entry), entry };
      }
      if (wanted.size === 0) break;
    }
    if (wanted.size > 0) throw new Error(`the store has no entry at position ${[...wanted.keys()][0]}`);
    first = end;
    await breathe();
  }
}
