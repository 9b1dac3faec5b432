/**
 * Wakes readers that have reached the end. Appends of this process call `changed`; those of other processes are noticed by
 * asking for SQLite's data version, and only while somebody waits.
 */
export class CommitWatch {
  readonly #waiting = new Set<() => void>();
  #version: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `dataVersion` may throw: the readers are woken and meet the failure themselves. */
  constructor(
    private readonly dataVersion: () => number,
    private readonly pollMs: number,
  ) {}

  /**
   * Resolves after the next commit, or when `signal` is aborted; possibly with nothing new to read.
   *
   * Called in the same turn of the event loop as the read that found nothing, it misses no commit: the version it compares
   * with is at least as old as that read.
   */
  next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const wake = () => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        if (this.#waiting.size === 0) this.#stop();
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
      this.#timer ??= setInterval(() => this.#poll(), this.pollMs);
    });
  }

  /** Wakes everybody who waits. */
  changed(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #poll(): void {
    try {
      const version = this.dataVersion();
      if (version === this.#version) return;
      this.#version = version;
    } catch {
      // The reader's own page fails the same way and reaches somebody who can act on it.
    }
    this.changed();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
