/** Why two subjects cannot be linked, or kept apart. */
export type IdentityConflictCode =
  'contradicting_identifiers' | 'linked_through' | 'kept_apart' | 'already' | 'unknown_subject' | 'erased_subject';

const MESSAGES: Record<IdentityConflictCode, string> = {
  contradicting_identifiers:
    'these subjects have two values of one identifying scheme and realm; they cannot be one person',
  linked_through: 'these two are linked through others; separate them along the way first',
  kept_apart: 'somebody was separated here; link with override to make them one all the same',
  already: 'this is so already; nothing was changed',
  unknown_subject: 'the ledger knows no subject of that id',
  erased_subject: 'the keys of one of these subjects were destroyed; nothing is decided about it any more',
};

/** What an officer asked for does not fit who is who. Nothing was changed. */
export class IdentityConflict extends Error {
  override readonly name = 'IdentityConflict';
  /** @param through for `linked_through`: the subjects on the shortest way between the two, in order */
  constructor(
    readonly code: IdentityConflictCode,
    readonly through: readonly string[] = [],
  ) {
    super(MESSAGES[code]);
  }
}

/** A producer may not release this identifier. Nothing was changed. */
export class ReleaseRefused extends Error {
  override readonly name = 'ReleaseRefused';
}
