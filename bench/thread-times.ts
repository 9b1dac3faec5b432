import { existsSync, readdirSync, readFileSync } from 'node:fs';

const TASKS = '/proc/self/task';

/** The processor time of each thread of this process so far, in nanoseconds, by its id; null where the system does not tell. */
export function threadTimes(): ReadonlyMap<number, number> | null {
  if (!existsSync(`${TASKS}/${process.pid}/schedstat`)) return null;
  const times = new Map<number, number>();
  for (const id of readdirSync(TASKS)) {
    try {
      times.set(Number(id), Number(readFileSync(`${TASKS}/${id}/schedstat`, 'utf8').split(' ')[0]));
    } catch {
      // It ended in between.
    }
  }
  return times;
}

/** Of one pass, in microseconds an event: on the thread that takes events in, and on the one that writes them. */
export interface ThreadCosts {
  readonly intake: number;
  readonly writer: number;
}

/**
 * What a pass cost each of the two threads. The writer's is the busiest of those that did not run before its store was opened.
 *
 * @param old threads that ran before
 */
export function threadCosts(
  old: ReadonlyMap<number, number>,
  [before, after]: readonly [ReadonlyMap<number, number>, ReadonlyMap<number, number>],
  events: number,
): ThreadCosts {
  const spent = (id: number): number => (after.get(id)! - (before.get(id) ?? 0)) / 1_000 / events;
  const fresh = [...after.keys()].filter((id) => !old.has(id));
  return { intake: spent(process.pid), writer: Math.max(0, ...fresh.map(spent)) };
}
