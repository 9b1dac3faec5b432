import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecretFile, isoTime } from '@sijill/platform';
import { sameBytes, signerOf, type Signer } from '@sijill/transparency';
import { KeyFileUnusable } from './signer-failed.js';

/** One key in a file. It is never written again: another key is another file. */
interface KeyFile {
  readonly format: typeof FORMAT;
  readonly createdAt: string;
  /** Both in base64url, the one so that a file that was damaged, or put together, is known for it. */
  readonly publicKey: string;
  readonly privateKey: string;
}

const FORMAT = 'sijill signing key v1';
const KEY_BYTES = 32;

/**
 * Makes a signing key of its own, on disk when it returns, readable by its owner only. A file that is there is never replaced.
 *
 * @param now in milliseconds
 * @returns whether it was made; not when there is a file of that name
 */
export function createKeyFile(file: string, now: number): boolean {
  const seed = randomBytes(KEY_BYTES);
  const made: KeyFile = {
    format: FORMAT,
    createdAt: isoTime(now),
    publicKey: Buffer.from(signerOf(seed).publicKey).toString('base64url'),
    privateKey: seed.toString('base64url'),
  };
  return createSecretFile(file, `${JSON.stringify(made, null, 2)}\n`);
}

/** @throws KeyFileUnusable it is not there, cannot be read, or holds no key */
export function readKeyFile(file: string): Signer {
  const { format, publicKey, privateKey } = contentOf(file);
  const seed = Buffer.from(String(privateKey), 'base64url');
  if (format !== FORMAT || seed.length !== KEY_BYTES)
    throw new KeyFileUnusable(`the file ${file} holds no signing key; put the right one back from its backup`);
  const signer = signerOf(seed);
  if (!sameBytes(signer.publicKey, Buffer.from(String(publicKey), 'base64url')))
    throw new KeyFileUnusable(
      `the file ${file} was damaged: its two keys do not belong together; put it back from its backup`,
    );
  return signer;
}

function contentOf(file: string): Partial<Record<keyof KeyFile, unknown>> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    throw new KeyFileUnusable(
      code === 'ENOENT'
        ? `there is no signing key at ${file}; put it there from its backup`
        : `the signing key ${file} cannot be read (${code}); give this user, and no other, the right to read it`,
    );
  }
  try {
    return (JSON.parse(text) ?? {}) as Partial<KeyFile>;
  } catch {
    throw new KeyFileUnusable(`the signing key ${file} is not whole; put it back from its backup`);
  }
}
