import { keyIdOf, unseal, type Secret } from '@sijill/vault';

/** What a sealed part says, once it is open: the event's id, where its sender's source is sealed too, and sealed members of its data. */
export interface OpenedPart {
  readonly eventId?: string | null;
  readonly source?: string | null;
  /** By their dotted paths, such as `request.reference`. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Opens what a reader may see. It was made for some sealed texts, and opens no others. */
export interface Opener {
  /**
   * @param part its name in the entry
   * @returns null once its key was destroyed
   * @throws SealBroken it is another entry's, or not what was sealed
   */
  open(entryId: string, part: string, sealed: string): OpenedPart | null;
}

/** Makes an opener for the sealed texts of an answer, with one question for their keys. */
export type OpenerFor = (sealed: readonly string[]) => Promise<Opener>;

/** @param secrets the vault's */
export function openingWith(secrets: {
  byIds(keyIds: readonly string[]): Promise<ReadonlyMap<string, Secret>>;
}): OpenerFor {
  return async (sealed) => {
    const found =
      sealed.length === 0 ? new Map<string, Secret>() : await secrets.byIds([...new Set(sealed.map(keyIdOf))]);
    return {
      open: (entryId, part, text) => {
        const secret = found.get(keyIdOf(text));
        if (secret === undefined) return null;
        return JSON.parse(unseal(secret, `${entryId}/${part}`, text).toString('utf8')) as OpenedPart;
      },
    };
  };
}
