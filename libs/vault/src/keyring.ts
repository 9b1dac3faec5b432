import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
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
  return { wrapping: { id: parsed.wrapping.id, key: wrapping }, index, fingerprint };
}

/**
 * Makes a keyring and puts it on disk before it returns: written beside, synced, renamed, so that a crash leaves the whole
 * file or none. Readable by its owner only.
 */
export function createKeyring(file: string, createdAt: string): Keyring {
  const made: KeyringFile = {
    version: 1,
    createdAt,
    wrapping: { id: `kek-${randomBytes(6).toString('hex')}`, key: randomBytes(32).toString('base64url') },
    index: { id: `idx-${randomBytes(6).toString('hex')}`, key: randomBytes(32).toString('base64url') },
  };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = `${file}.new`;
  const descriptor = openSync(beside, 'w', 0o600);
  writeSync(descriptor, `${JSON.stringify(made, null, 2)}\n`);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(beside, file);
  return readKeyring(file);
}
