import { outputOf, ProgramFailed } from '@sijill/platform';
import type { KeptOutside } from './outside-signer.js';
import { SignerFailed } from './signer-failed.js';

const LONGEST_ANSWER = 4096;

/**
 * A program that keeps a key. It is run without a shell, once for each thing that is asked, with one word more: `public-key`, or
 * `sign`, which has the message on standard input. It answers on standard output, in base64, and ends with 0. What else it prints is
 * thrown away.
 *
 * @param timeLimitMs it is ended after so long, with all that it has started
 */
export function commandSigner([program, ...args]: readonly [string, ...string[]], timeLimitMs: number): KeptOutside {
  const ask = async (word: string, input: Uint8Array = new Uint8Array()): Promise<string> => {
    const run = { input, timeLimitMs, longest: LONGEST_ANSWER, stderr: 'ignore' } as const;
    try {
      return (await outputOf([program, ...args, word], run)).trim();
    } catch (error) {
      if (!(error instanceof ProgramFailed)) throw error;
      const code = error.code === null ? '' : ` (${error.code})`;
      throw new SignerFailed(`the signer ${program} ${error.message}${code}`);
    }
  };
  return { name: program, publicKey: () => ask('public-key'), sign: (message) => ask('sign', message) };
}
