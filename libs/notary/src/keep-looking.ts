import { backOff, rest } from '@sijill/platform';

export interface Watch {
  /** Looks, and does what is to be done. */
  readonly look: () => Promise<void>;
  readonly everyMs: number;
  /** After a failure it is waited longer than that, and longer each time. */
  readonly pausesMs: { readonly first: number; readonly longest: number };
  /** Told what a look has thrown. That ends nothing. */
  readonly onFailure: (error: unknown) => void | Promise<void>;
}

/** Looks again and again until the signal is aborted. A failure while it stops is nobody's business any more. */
export async function keepLooking({ look, everyMs, pausesMs, onFailure }: Watch, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      await look();
      failures = 0;
      await rest(everyMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      await onFailure(error);
      await rest(backOff(failures++, pausesMs), signal);
    }
  }
}
