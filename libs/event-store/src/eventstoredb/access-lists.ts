/** What a right allows: reading, appending, deleting, and the first two for the stream's metadata. */
export type Right = '$r' | '$w' | '$d' | '$mr' | '$mw';
export type AccessList = Partial<Record<Right, unknown>>;

export const ADMINS = '$admins';
const EVERYBODY = '$all';

/** The server's defaults, for streams of users and for its own (names that begin with `$`). */
export interface Settings {
  readonly $userStreamAcl?: AccessList;
  readonly $systemStreamAcl?: AccessList;
}

/** What the log says about rights: the defaults, and the metadata of streams by the stream's name. */
export interface RightsInForce {
  readonly settings: Settings;
  readonly metadata: ReadonlyMap<string, Record<string, unknown>>;
}

/**
 * Who may do something with a stream, as the server decides it: by the stream's own list, else the default for its kind,
 * else everybody, or administrators for the server's own streams. Only a right that a list leaves out falls through.
 */
export function rolesFor({ settings, metadata }: RightsInForce, stream: string, right: Right): readonly string[] {
  const isSystem = stream.startsWith('$');
  const own = metadata.get(stream)?.['$acl'] as AccessList | undefined;
  const ofKind = isSystem ? settings.$systemStreamAcl : settings.$userStreamAcl;
  return roles(own?.[right]) ?? roles(ofKind?.[right]) ?? [isSystem ? ADMINS : EVERYBODY];
}

/** Defaults with deleting and metadata writing kept for administrators, and everything else as it was. */
export function protectedSettings(settings: Settings): Settings {
  const everybody = { $r: EVERYBODY, $w: EVERYBODY, $mr: EVERYBODY };
  const admins = { $r: ADMINS, $w: ADMINS, $d: ADMINS, $mr: ADMINS, $mw: ADMINS };
  // Written out in full: what an older server makes of a list with gaps is not for us to find out.
  return {
    ...settings,
    $userStreamAcl: { ...everybody, ...settings.$userStreamAcl, $d: ADMINS, $mw: ADMINS },
    $systemStreamAcl: { ...admins, ...settings.$systemStreamAcl },
  };
}

/**
 * A stream's metadata with a list that leaves writing to one user, deleting and setting metadata to administrators. Lists that somebody has
 * set stay, and so does all else.
 *
 * @returns null where that is so already, or cannot be written: a stream that is hidden whole carries a number that JavaScript cannot write back
 */
export function closedMetadata(
  metadata: Readonly<Record<string, unknown>>,
  user: string,
): Record<string, unknown> | null {
  const own = (metadata['$acl'] ?? {}) as AccessList;
  const list = { $w: user, $d: ADMINS, $mw: ADMINS, ...own };
  const isSo = (['$w', '$d', '$mw'] as const).every((right) => right in own);
  return isSo || !Object.values(metadata).every(isWritable) ? null : { ...metadata, $acl: list };
}

/** Whether JavaScript can write a value back as it was read. */
export function isWritable(value: unknown): boolean {
  return typeof value !== 'number' || Number.isSafeInteger(value);
}

function roles(list: unknown): readonly string[] | undefined {
  if (typeof list === 'string') return [list];
  return Array.isArray(list) ? list.map(String) : undefined;
}
