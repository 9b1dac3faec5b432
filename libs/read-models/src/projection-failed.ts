import type { ReadModelName } from './tables.js';

export interface Stopped {
  readonly name: ReadModelName;
  readonly error: unknown;
}

/** Some read models threw and stay where they are; the others have moved. */
export class ProjectionFailed extends Error {
  override readonly name = 'ProjectionFailed';

  constructor(readonly stopped: readonly Stopped[]) {
    super(`stopped: ${stopped.map(({ name }) => name).join(', ')}`, { cause: stopped[0]?.error });
  }
}
