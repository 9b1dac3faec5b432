import { PLAIN_TEXT } from '@sijill/contracts';

/** A cursor that this ledger did not give out. */
export class CursorInvalid extends Error {
  override readonly name = 'CursorInvalid';
}

/** A place between two rows, opaque to its bearer. It names the last row given, so it stays valid while rows arrive. */
export function encodeCursor(place: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** What every database takes as a parameter; a cursor may be anybody's invention. */
function isPlain(item: unknown): boolean {
  return typeof item === 'string' ? PLAIN_TEXT.pattern.test(item) : Number.isSafeInteger(item);
}

/** @throws CursorInvalid */
export function decodeCursor(cursor: string, shape: readonly ('string' | 'number')[]): (string | number)[] {
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    place = null;
  }
  const fits =
    Array.isArray(place) &&
    place.length === shape.length &&
    place.every((item, i) => typeof item === shape[i] && isPlain(item));
  if (!fits) throw new CursorInvalid('no cursor of this ledger');
  return place as (string | number)[];
}
