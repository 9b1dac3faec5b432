/** Something an operator may want to know and no caller is told: the store went on by itself. */
export interface StoreNotice {
  readonly what: 'subscription resumes' | 'connection replaced' | 'answer without a question' | 'stream left open';
  /** For a person; holds no entry's data. */
  readonly detail: string;
  readonly error?: unknown;
}

/** Where a store leaves its notices. It must not throw. */
export type OnNotice = (notice: StoreNotice) => void;
