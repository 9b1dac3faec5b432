import { setTimeout as pause } from 'node:timers/promises';

/** How long to wait before a try: the first wait, doubled at each try, up to the longest. In milliseconds. */
export function backOff(attempt: number, { first, longest }: { first: number; longest: number }): number {
  return Math.min(longest, first * 2 ** Math.min(attempt, 30));
}

/**
 * The answer, or what `late` gives or throws when there is none in time.
 *
 * The work is not stopped: what becomes of it after that is nobody's business here, its failure included.
 */
export async function within<T, L>(milliseconds: number, answer: Promise<T>, late: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, patience.then(late)]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits; an abort ends the wait. */
export async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}
