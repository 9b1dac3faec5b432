import { readFile } from 'node:fs/promises';
import { isRefusal, toHex, type OpenedCheckpoint } from '@sijill/transparency';
import { EXIT } from '../exit-codes.js';
import { printable, printAnswer } from '../terminal/print.js';
import { LogUnreadable } from './log-source.js';
import type { TrustOptions } from './trust-options.js';

/** What holds is told; what does not is the answer "no". */
export async function answer(
  options: TrustOptions,
  work: () => { facts: object; line: string } | Promise<{ facts: object; line: string }>,
): Promise<void> {
  try {
    const { facts, line } = await work();
    printAnswer(options.json === true, { ok: true, ...facts }, () => line);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    process.exitCode = EXIT.no;
    // The reason may name what was in the file.
    const text = (): string => `DOES NOT HOLD: ${printable(error.message)}.`;
    printAnswer(options.json === true, { ok: false, reason: error.message }, text);
  }
}

export function factsOf({ origin, size, root, cosignatures }: OpenedCheckpoint): Record<string, unknown> {
  return {
    origin,
    size: String(size),
    root: toHex(root),
    cosignatures: cosignatures.map(({ name, seconds }) => ({
      name,
      time: new Date(Number(seconds) * 1000).toISOString(),
    })),
  };
}

export function cosignedText({ cosignatures }: OpenedCheckpoint): string {
  return cosignatures.length === 0 ? '' : `, cosigned by ${cosignatures.map(({ name }) => name).join(' and ')}`;
}

/** @throws LogUnreadable */
export async function fileOf(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new LogUnreadable(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}
