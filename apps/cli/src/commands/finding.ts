/** What one check of the doctor came to. */
export interface Finding {
  readonly check: string;
  /** `no`: it can be looked at, and is not as it must be. `fail`: it cannot be reached, read or used at all. */
  readonly status: 'ok' | 'warn' | 'no' | 'fail';
  readonly detail: string;
  /** What to do about it. */
  readonly cure: string | null;
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail, cure: null });
export const warn = (check: string, detail: string, cure: string): Finding => ({ check, status: 'warn', detail, cure });
export const no = (check: string, detail: string, cure: string): Finding => ({ check, status: 'no', detail, cure });
export const fail = (check: string, detail: string, cure: string): Finding => ({ check, status: 'fail', detail, cure });

export const nameOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
