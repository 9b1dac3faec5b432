interface Timer {
  readonly run: () => void;
  readonly every: number | null;
  at: number;
  order: number;
  cleared: boolean;
}

/**
 * Time that passes only when nothing is left to do: it jumps to the next timer, runs it, and lets every promise settle before it
 * jumps on. So a run takes no longer than its work, and the same timers give the same order of events.
 *
 * Everything that waits must wait by a timer. Files are read and written within a call, and nothing else runs beside.
 */
export class VirtualTime {
  private readonly timers: Timer[] = [];
  private made = 0;
  private stopped = false;

  /** @param now milliseconds since the Unix epoch */
  constructor(public now: number) {}

  /** Puts itself in the place of the process's timers and clock, for as long as the work takes. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate } = globalThis;
    const { now } = Date;
    const clear = (timer?: { [Symbol.toPrimitive]?: unknown }): void => {
      const known = (timer as { timer?: Timer } | undefined)?.timer;
      if (known !== undefined) known.cleared = true;
    };
    const set =
      (repeats: boolean) =>
      (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
        handle(this.add(() => run(...args), Math.max(repeats ? 1 : 0, ms), repeats));
    Object.assign(globalThis, {
      setTimeout: set(false),
      setInterval: set(true),
      setImmediate: (run: (...args: unknown[]) => void, ...args: unknown[]) =>
        handle(this.add(() => run(...args), 0, false)),
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    });
    Date.now = () => this.now;
    const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    try {
      const outcome = work();
      let done = false;
      outcome.then(
        () => (done = true),
        () => (done = true),
      );
      await settled();
      while (!done) {
        if (!this.step()) throw new Error('everything waits, and for nothing that will come');
        await settled();
      }
      return await outcome;
    } finally {
      this.stopped = true;
      Object.assign(globalThis, {
        setTimeout,
        setInterval,
        setImmediate,
        clearTimeout,
        clearInterval,
        clearImmediate,
      });
      Date.now = now;
    }
  }

  private step(): boolean {
    for (let timer = this.timers.shift(); timer !== undefined; timer = this.timers.shift()) {
      if (timer.cleared) continue;
      this.now = timer.at;
      if (timer.every !== null) this.insert({ timer, at: timer.at + timer.every });
      timer.run();
      return true;
    }
    return false;
  }

  private add(run: () => void, ms: number, repeats: boolean): Timer {
    const timer: Timer = { run, every: repeats ? ms : null, at: 0, order: 0, cleared: this.stopped };
    this.insert({ timer, at: this.now + ms });
    return timer;
  }

  /** Kept in order: few timers wait at a time, and most new ones belong to the end. */
  private insert({ timer, at }: { timer: Timer; at: number }): void {
    timer.at = at;
    timer.order = this.made++;
    let place = this.timers.length;
    while (place > 0 && this.timers[place - 1]!.at > at) place--;
    this.timers.splice(place, 0, timer);
  }
}

function handle(timer: Timer): object {
  const self = { timer, ref: () => self, unref: () => self, hasRef: () => true };
  return self;
}

/** `node:timers/promises` as far as the product uses it, on whatever timers are in place when it is called. */
export const timersPromises = {
  setTimeout: (ms: number, value?: unknown, options?: { signal?: AbortSignal }): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const signal = options?.signal;
      const abort = (): void => {
        clearTimeout(timer);
        reject(new Error('the wait was ended'));
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve(value);
      }, ms);
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort);
    }),
  setImmediate: (): Promise<void> => new Promise((resolve) => setImmediate(resolve)),
};
