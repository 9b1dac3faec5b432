import { isKeyName } from '../note/verifier-key.js';
import { FormatInvalid, readDecimal } from '../primitives/bytes.js';
import { readHash } from '../proof/tlog-proof.js';

/** An entry that a receipt is about. */
export interface PromisedEntry {
  /** Its UUID. */
  readonly id: string;
  /** The hash of its leaf, in base64. */
  readonly leafHash: string;
}

/**
 * The promise that a log will hold entries which were accepted: each is a leaf behind the first `leaves` of every checkpoint that the log
 * gives away from `dueAt` on. Both times are RFC 3339 in UTC with milliseconds.
 */
export interface Receipt {
  /** The log's name. */
  readonly log: string;
  readonly acceptedAt: string;
  readonly dueAt: string;
  /** How many leaves the log was known to have before these were stored: whoever looks for them begins there. */
  readonly leaves: bigint;
  /** At least one, none twice. */
  readonly entries: readonly PromisedEntry[];
}

// No checkpoint, and nothing that a witness signs, has such a first line: the name of a log has no spaces.
const FIRST_LINE = 'sijill receipt v1';

/** So many lines fit into a note that every reader takes: Go's takes a million bytes. */
export const MOST_PROMISED = 10_000;

/**
 * A receipt's text, which is signed; each line ends in a newline, and there is nothing else:
 *
 *     sijill receipt v1
 *     <the log's name>
 *     accepted <time>
 *     due <time>
 *     leaves <n>                      in decimal
 *     <entry's id> <leaf hash>        1 to 10,000 lines, the hash in base64
 */
export function formatReceipt({ log, acceptedAt, dueAt, leaves, entries }: Receipt): string {
  const head = `${FIRST_LINE}\n${log}\naccepted ${acceptedAt}\ndue ${dueAt}\nleaves ${leaves}\n`;
  return entries.reduce((text, { id, leafHash }) => `${text}${id} ${leafHash}\n`, head);
}

/** @throws FormatInvalid */
export function parseReceipt(text: string): Receipt {
  if (!text.endsWith('\n')) throw new FormatInvalid('a receipt ends with a newline');
  const [first, log, accepted, due, leaves, ...lines] = text.slice(0, -1).split('\n');
  if (first !== FIRST_LINE) throw new FormatInvalid(`a receipt begins with the line ${FIRST_LINE}`);
  if (log === undefined || !isKeyName(log)) throw new FormatInvalid('the receipt does not say of which log it is');
  const acceptedAt = readTime(valueOf('accepted', accepted));
  const dueAt = readTime(valueOf('due', due));
  if (dueAt < acceptedAt) throw new FormatInvalid('the receipt promises something for before it was given');
  const known = readDecimal(valueOf('leaves', leaves));
  if (lines.length === 0 || lines.length > MOST_PROMISED)
    throw new FormatInvalid(`a receipt is about 1 to ${MOST_PROMISED} entries`);
  const entries = lines.map(readEntry);
  for (const member of ['id', 'leafHash'] as const)
    if (new Set(entries.map((entry) => entry[member])).size < entries.length)
      throw new FormatInvalid('the receipt names an entry twice');
  return { log, acceptedAt, dueAt, leaves: known, entries };
}

function valueOf(name: string, line: string | undefined): string {
  if (line?.startsWith(`${name} `) !== true) throw new FormatInvalid(`the receipt has no line "${name}" in its place`);
  return line.slice(name.length + 1);
}

/** A time in its one form, so that times can be compared as texts. @throws FormatInvalid */
function readTime(text: string): string {
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text) && !Number.isNaN(Date.parse(text));
  // The day behind the last of a month is taken for the first of the next.
  if (!isTime || new Date(text).toISOString() !== text)
    throw new FormatInvalid('a time of the receipt is not RFC 3339 in UTC with milliseconds');
  return text;
}

function readEntry(line: string): PromisedEntry {
  const [, id, leafHash] = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) (\S+)$/.exec(line) ?? [];
  if (id === undefined || leafHash === undefined) throw new FormatInvalid('a line of the receipt names no entry');
  readHash(leafHash);
  return { id, leafHash };
}
