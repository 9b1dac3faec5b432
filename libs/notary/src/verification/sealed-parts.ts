import { hash } from 'node:crypto';
import { canonicalJson } from '@sijill/transparency';

/** Where something begins and ends in its bytes. */
type Place = readonly [from: number, to: number];

/** The authenticator as it stands behind the mark, and what follows: sealed parts, or the end. */
const AUTHENTICATOR = /^,"~":\{"by":"[\w./-]{1,64}","mac":"[\w-]{43}"(?:,"sealed":|\}\}$)/;
const LONGEST_AUTHENTICATOR = 150;
const SEALED = Buffer.from('"sealed":{');
const QUOTE = 0x22;
const BRACE = 0x7b;

/**
 * What is wrong with what is stored beside a leaf: sealed parts that are not those whose hashes the leaf has, or no authenticator.
 * Null when nothing is. It costs a hash a part and little more: that is why it looks at bytes.
 */
export function brokenSeal(
  leaves: Buffer,
  [from, to]: Place,
  stored: Buffer,
  [besideFrom, besideTo]: Place,
): string | null {
  const beginning = stored.toString('latin1', besideFrom, Math.min(besideTo, besideFrom + LONGEST_AUTHENTICATOR));
  const length = AUTHENTICATOR.exec(beginning)?.[0].length;
  if (length === undefined) return 'has no authenticator: to the ledger it is foreign';
  const isSealed = beginning[length - 1] === ':';
  const found = isSealed ? hashesOf(stored, [besideFrom + length, besideTo]) : '{}';
  if (found !== null) {
    // The text of a member stands in no string, for its quotes would be escaped there. Where it does not say what it should, or is
    // where it should not be, the leaf is read.
    const at = leaves.indexOf(SEALED, from);
    const isThere = at >= 0 && at < to;
    const begins = at + SEALED.length - 1;
    if (isThere ? leaves.toString('latin1', begins, begins + found.length) === found : !isSealed) return null;
  }
  return found === sealedIn(leaves.subarray(from, to)) ? null : 'has sealed parts that are not those that were signed';
}

/**
 * The hashes of sealed parts, as canonical JSON, cut out of their own: neither their names nor base64url have anything escaped. Null when
 * they are nothing of the kind.
 */
function hashesOf(stored: Buffer, [from, to]: Place): string | null {
  const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.length);
  if (stored[from] !== BRACE) return null;
  let hashes = '{';
  for (let at = from; ;) {
    // {"name":"text","name":"text"}}}
    const nameEnd = stored.indexOf(QUOTE, at + 2);
    const textEnd = stored.indexOf(QUOTE, nameEnd + 3);
    if (nameEnd < 0 || textEnd < 0 || textEnd >= to) return null;
    const name = stored.toString('latin1', at + 1, nameEnd + 3);
    if (!/^"\w+":"$/.test(name)) return null;
    hashes += `${name}${hash('sha256', bytes.subarray(nameEnd + 3, textEnd), 'base64url')}"`;
    at = textEnd + 1;
    const next = stored.toString('latin1', at, Math.min(to, at + 4));
    if (next === '}}}') return `${hashes}}`;
    if (!next.startsWith(',"')) return null;
    hashes += ',';
  }
}

/** The same, as the data of the leaf has them. */
function sealedIn(leaf: Buffer): string {
  const { data } = JSON.parse(leaf.toString('utf8', 1)) as { data: Record<string, unknown> };
  return canonicalJson(data['sealed'] ?? {});
}
