import { FormatInvalid, jsonOf } from '../primitives/bytes.js';

/** What a log has announced in itself: the entry that says so as its leaf, and the proof that it is there. C2SP tlog-proof. */
export interface ProvenAnnouncement {
  readonly leaf: string;
  readonly proof: string;
}

const LONGEST = 2 ** 24;
const MOST = 10_000;

/** Announcements in their order, as JSON. @param format which they are */
export function formatAnnouncements(format: string, announcements: readonly ProvenAnnouncement[]): string {
  return `${JSON.stringify({ format, announcements }, null, 2)}\n`;
}

/** The same, read again. Nothing is verified by that. @throws FormatInvalid */
export function parseAnnouncements(format: string, text: string): ProvenAnnouncement[] {
  if (text.length > LONGEST) throw new FormatInvalid('the announcements are longer than any can be');
  const document = jsonOf(text, 'the announcements are no JSON') as {
    format?: unknown;
    announcements?: unknown;
  } | null;
  const announcements = document?.format === format ? document.announcements : null;
  if (!Array.isArray(announcements) || announcements.length > MOST)
    throw new FormatInvalid(`these are no announcements of the form ${format}`);
  return (announcements as (Partial<ProvenAnnouncement> | null)[]).map((one) => {
    const { leaf, proof } = one ?? {};
    if (typeof leaf !== 'string' || typeof proof !== 'string' || !leaf.isWellFormed())
      throw new FormatInvalid('an announcement has no leaf, or no proof');
    return { leaf, proof };
  });
}
