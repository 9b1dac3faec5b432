import { EntriesHidden, LaneGap } from './errors.js';
import type { RawEvent, RawStore } from './raw-store.js';

/**
 * Reads a stream, and sees to it that no revision is missing: not where reading begins, not in between, and not at the stream's
 * beginning when it is read backwards up to there. Where it ends forwards, nothing can be said about what would follow.
 *
 * @throws LaneGap | EntriesHidden, and what the store's own reading throws
 */
export async function* whole(
  events: RawStore,
  stream: string,
  options: Parameters<RawStore['readStream']>[1] = {},
): AsyncGenerator<RawEvent> {
  const { from, direction = 'forwards', limit = Number.POSITIVE_INFINITY } = options;
  const isForwards = direction === 'forwards';
  // Of a stream that is read from its end the first revision is whatever it is.
  let expected: number | null = isForwards ? (from ?? 0) : null;
  let left = limit;
  for await (const event of events.readStream(stream, options)) {
    if (expected !== null && event.revision !== expected)
      throw isForwards
        ? new LaneGap(stream, expected, event.revision - 1)
        : new LaneGap(stream, event.revision + 1, expected);
    yield event;
    expected = event.revision + (isForwards ? 1 : -1);
    left -= 1;
  }
  if (left <= 0) return;
  // A stream that is there has a first entry.
  if (isForwards ? expected === 0 : expected === null) throw new EntriesHidden(stream, 0, null);
  if (!isForwards && expected! >= 0) throw new LaneGap(stream, 0, expected!);
}
