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

/** The answer, or null as soon as the signal is aborted. The work is not stopped. */
export async function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | null> {
  let wake!: () => void;
  const aborted = new Promise<null>((resolve) => (wake = () => resolve(null)));
  signal.addEventListener('abort', wake);
  if (signal.aborted) wake();
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener('abort', wake);
  }
}

/** Waits; an abort ends the wait. */
export async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}
