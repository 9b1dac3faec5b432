import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** The keyring cannot be used; the message says what to do. */
export class KeyringUnusable extends Error {
  override readonly name = 'KeyringUnusable';
}

/** The keys above all others: one wraps every subject's key, one makes the blind index. 32 bytes each. */
export interface Keyring {
  readonly wrapping: { readonly id: string; readonly key: Buffer };
  readonly index: Buffer;
  /** Tells this keyring from another without telling its keys. */
  readonly fingerprint: string;
  /**
   * The 32 bytes of the Ed25519 private key that signs the log's checkpoints: the first of them, the second after a rotation, and so
   * on. None tells anything of another (RFC 5869).
   */
  logKeySeed(generation: number): Uint8Array;
  /** The 32 bytes of the Ed25519 private key that cosigns other logs. */
  witnessKeySeed(): Uint8Array;
}

interface KeyringFile {
  readonly version: 1;
  readonly createdAt: string;
  readonly wrapping: { readonly id: string; readonly key: string };
  readonly index: { readonly id: string; readonly key: string };
}

/**
 * Reads the keyring file.
 *
 * @throws KeyringUnusable when it is missing, cannot be read, or is not a keyring
 */
export function readKeyring(file: string): Keyring {
  if (!existsSync(file)) {
    throw new KeyringUnusable(
      `there is no keyring at ${file}; put it back from its backup, or set SIJILL_KEYRING_FILE`,
    );
  }
  let parsed: KeyringFile;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8')) as KeyringFile;
  } catch {
    throw new KeyringUnusable(`the keyring at ${file} cannot be read as JSON; put it back from its backup`);
  }
  const wrapping = Buffer.from(parsed.wrapping?.key ?? '', 'base64url');
  const index = Buffer.from(parsed.index?.key ?? '', 'base64url');
  if (parsed.version !== 1 || wrapping.length !== 32 || index.length !== 32) {
    throw new KeyringUnusable(`the file at ${file} is not a keyring of version 1 with two keys of 32 bytes`);
  }
  const fingerprint = createHmac('sha256', wrapping)
    .update('sijill keyring')
    .update(index)
    .digest('base64url')
    .slice(0, 22);
  const seedOf = (key: string): Uint8Array => new Uint8Array(hkdfSync('sha256', wrapping, index, key, 32));
  return {
    wrapping: { id: parsed.wrapping.id, key: wrapping },
    index,
    fingerprint,
    logKeySeed: (generation) => seedOf(`sijill log key ${generation}`),
    witnessKeySeed: () => seedOf('sijill witness key'),
  };
}

/**
 * Makes a keyring and puts it on disk before it returns: written beside, synced, then linked to its name, so that a crash leaves
 * the whole file or none, and a file that is there is never replaced. Readable by its owner only.
 *
 * @param ifThere two processes may start a ledger at once; both must go on with the one keyring that came to be
 * @throws KeyringUnusable there is a file of that name
 */
export function createKeyring(
  file: string,
  createdAt: string,
  ifThere: 'refuse' | 'take what another process has made' = 'refuse',
): Keyring {
  const made: KeyringFile = {
    version: 1,
    createdAt,
    wrapping: { id: `kek-${randomBytes(6).toString('hex')}`, key: randomBytes(32).toString('base64url') },
    index: { id: `idx-${randomBytes(6).toString('hex')}`, key: randomBytes(32).toString('base64url') },
  };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.${randomBytes(6).toString('hex')}`;
  const descriptor = openSync(beside, 'wx', 0o600);
  writeSync(descriptor, `${JSON.stringify(made, null, 2)}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  try {
    linkSync(beside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (ifThere === 'refuse') throw new KeyringUnusable(`${file} exists; a keyring is never written over`);
  } finally {
    unlinkSync(beside);
  }
  // The name, too, must be on disk before anything is sealed.
  const directory = openSync(dirname(file), 'r');
  fsyncSync(directory);
  closeSync(directory);
  return readKeyring(file);
}
