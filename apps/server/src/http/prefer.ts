/** Between commas; a comma in quotes is none. */
const PREFERENCES = /(?:[^",]|"(?:[^"\\]|\\.)*")+/g;

/**
 * What a sender prefers, in small letters: of several times the first, empty where it gives no value, null where it says nothing of it.
 * RFC 7240, section 2.
 *
 * @param header `Prefer` as it came, several of them joined by commas
 */
export function preferenceOf(header: string | undefined, preference: string): string | null {
  for (const text of header?.match(PREFERENCES) ?? []) {
    const [given = ''] = text.split(';');
    const [name = '', value = ''] = given.split('=').map((part) => part.trim().toLowerCase());
    if (name === preference) return value.replace(/^"(.*)"$/, '$1');
  }
  return null;
}
