/** The document could not be made from this input. Trying again gives the same answer. */
export class RenderFailed extends Error {
  override readonly name = 'RenderFailed';
}

/** The rendering process died over this job (killed, or out of memory). The job may be tried again. */
export class RenderInterrupted extends Error {
  override readonly name = 'RenderInterrupted';
}

/** The job took longer than it may, and its process was stopped. */
export class RenderTimedOut extends Error {
  override readonly name = 'RenderTimedOut';
}

/** The process is being shut down; the job is not done. */
export class RenderClosed extends Error {
  override readonly name = 'RenderClosed';
}

/** The document has more disclosures than can be laid out. */
export class TooLongToPrint extends Error {
  override readonly name = 'TooLongToPrint';
}

/** Whether an error says that one document cannot be made, and nothing of others. */
export function isOfDocument(error: unknown): boolean {
  return [RenderFailed, RenderInterrupted, RenderTimedOut, TooLongToPrint].some((kind) => error instanceof kind);
}
