import { readFileSync } from 'node:fs';
import { createSecretFile, replaceSecretFile } from '@sijill/platform';
import { KeyringUnusable, type KeyringPlace } from './keyring-place.js';

/** A file that its owner alone can read; one that is there stays whose it is, and behind which link it is. */
export class FilePlace implements KeyringPlace {
  readonly where: string;

  constructor(private readonly file: string) {
    this.where = `at ${file}`;
  }

  async get(): Promise<string | null> {
    return this.read();
  }

  async put(text: string, instead: string | null): Promise<boolean> {
    return this.write(text, instead);
  }

  /** As `get`, at once. */
  read(): string | null {
    try {
      return readFileSync(this.file, 'utf8');
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return null;
      throw new KeyringUnusable(`the keyring ${this.where} cannot be read (${codeOf(cause)}); let this user read it`, {
        cause,
      });
    }
  }

  /** As `put`, at once. */
  write(text: string, instead: string | null): boolean {
    if (instead !== null && this.read() !== instead) return false;
    try {
      if (instead === null) return createSecretFile(this.file, text);
      replaceSecretFile(this.file, text);
      return true;
    } catch (cause) {
      throw new KeyringUnusable(
        `the keyring ${this.where} cannot be written from here (${codeOf(cause)}); change it where it is kept, with a copy of this vault's settings, and hand the new file to every process`,
        { cause },
      );
    }
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException).code);
}
