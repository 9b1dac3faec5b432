import { hash } from 'node:crypto';
import { outputOf, ProgramFailed } from '@sijill/platform';
import { KeyringUnusable, type KeyringPlace } from './keyring-place.js';

const PATIENCE_MS = 30_000;

/**
 * A program of the operator's, for a secrets manager:
 *
 * - `PROGRAM get` prints the keyring, or nothing where there is none;
 * - `PROGRAM put WHAT` keeps what it reads. WHAT is the SHA-256, in hex, of the text that it takes the place of, or `none`; a program that
 *   can tell refuses when something else is there.
 *
 * Exit code 0 says that it is done. What it writes to its standard error goes to ours; it does not get the ledger's settings.
 */
export class CommandPlace implements KeyringPlace {
  readonly where: string;

  /** @param command the program, and arguments that stand before ours */
  constructor(private readonly command: readonly [string, ...string[]]) {
    this.where = `that "${command[0]} get" gives`;
  }

  async get(): Promise<string | null> {
    const text = await this.run(['get'], '');
    return text.trim() === '' ? null : text;
  }

  async put(text: string, instead: string | null): Promise<boolean> {
    if ((await this.get()) !== instead) return false;
    await this.run(['put', instead === null ? 'none' : hash('sha256', instead)], text);
    // Somebody may have been quicker, where the program does not tell.
    return (await this.get()) === text;
  }

  private async run(args: readonly string[], input: string): Promise<string> {
    const [program, ...before] = this.command;
    try {
      return await outputOf([program, ...before, ...args], { input, timeLimitMs: PATIENCE_MS, stderr: 'inherit' });
    } catch (cause) {
      if (!(cause instanceof ProgramFailed)) throw cause;
      throw new KeyringUnusable(`"${program} ${args[0]}" ${cause.message}; see SIJILL_KEYRING`, { cause });
    }
  }
}
