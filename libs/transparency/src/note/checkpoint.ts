import { FormatInvalid, fromBase64, readDecimal, toBase64 } from '../primitives/bytes.js';
import { HASH_BYTES } from '../tree/hashing.js';

/** What a log was at some size: which log, how many leaves, and the root over them. C2SP tlog-checkpoint. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Uint8Array;
  readonly extensions: readonly string[];
}

/** The text that is signed. */
export function formatCheckpoint({ origin, size, root, extensions }: Checkpoint): string {
  return `${[origin, String(size), toBase64(root), ...extensions].join('\n')}\n`;
}

/** @throws FormatInvalid */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw new FormatInvalid('a checkpoint ends with a newline');
  const [origin, size, root, ...extensions] = text.slice(0, -1).split('\n');
  if (origin === undefined || size === undefined || root === undefined || origin === '' || extensions.includes(''))
    throw new FormatInvalid('a checkpoint has the lines origin, size and root, and none that is empty');
  const hash = fromBase64(root);
  if (hash.length !== HASH_BYTES) throw new FormatInvalid('the root of a checkpoint is no SHA-256 hash');
  return { origin, size: readDecimal(size), root: hash, extensions };
}
