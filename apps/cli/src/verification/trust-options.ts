import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { FormatInvalid, parseVerifierKey, type Trust, type VerifierKey } from '@sijill/transparency';
import { WrongUse } from '../exit-codes.js';

/** Whom the person at the terminal trusts, and how the answer is to be shown. */
export interface TrustOptions {
  readonly key: string[];
  readonly witness: string[];
  readonly quorum?: string;
  readonly json?: boolean;
}

/** For options that can be given several times. */
export const collect = (value: string, all: readonly string[]): string[] => [...all, value];

/** Adds the options that say whom to trust. */
export function withTrust(command: Command): Command {
  return command
    .addOption(
      new Option('--key <vkey>', "the log's verifier key, or a file with it; several after a rotation")
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--witness <vkey>', "a witness's verifier key, or a file with it; can be given several times", collect, [])
    .option('--quorum <n>', 'how many of the witnesses must have cosigned (all of them)')
    .option('--json', 'one JSON document');
}

/** @throws WrongUse no key was given, or what is none */
export async function trustOf({ key, witness, quorum }: TrustOptions): Promise<Trust> {
  if (key.length === 0)
    throw new WrongUse('say whom to trust: --key with the verifier key of the log, or a file that holds it');
  const witnesses = await keysOf(witness);
  const needed = quorum === undefined ? witnesses.length : Number(quorum);
  if (!Number.isInteger(needed) || needed < 0 || needed > witnesses.length)
    throw new WrongUse(`--quorum takes a number up to that of the witnesses, ${witnesses.length}`);
  return { log: await keysOf(key), witnesses, quorum: needed };
}

async function keysOf(given: readonly string[]): Promise<VerifierKey[]> {
  const keys: VerifierKey[] = [];
  for (const text of given) {
    const lines = existsSync(text)
      ? (await readFile(text, 'utf8')).split(/\r?\n/).filter((line) => line !== '')
      : [text];
    for (const line of lines) {
      try {
        keys.push(parseVerifierKey(line));
      } catch (error) {
        if (error instanceof FormatInvalid)
          throw new WrongUse(`${text} is no verifier key, and no file with one: ${error.message}`);
        throw error;
      }
    }
  }
  return keys;
}
