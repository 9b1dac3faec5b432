import { readFile } from 'node:fs/promises';
import { isRefusal, readLogName, toHex, type OpenedCheckpoint, type ProvenLoss } from '@sijill/transparency';
import { EXIT } from '../exit-codes.js';
import { printable, printAnswer } from '../terminal/print.js';
import { LogUnreadable } from './log-source.js';
import type { TrustOptions } from './trust-options.js';

/** What was checked, and what came of it. */
export interface Held {
  /** Whether it holds, as it does unless said otherwise; null while nothing can be said. */
  readonly holds?: boolean | null;
  /** What the verdict is about. */
  readonly covers: readonly string[];
  /** What somebody might think that it is about, and it is not. */
  readonly notCovered: readonly string[];
  /** What else there is to know, for `--json`. */
  readonly facts: object;
  /** The same in words. */
  readonly line: string;
}

/** What holds is told, first of all for what; what does not is the answer "no". */
export async function answer(options: TrustOptions, work: () => Held | Promise<Held>): Promise<void> {
  try {
    const { holds = true, covers, notCovered, facts, line } = await work();
    process.exitCode = holds === null ? EXIT.unreachable : holds ? EXIT.done : EXIT.no;
    printAnswer(options.json === true, { holds, covers, notCovered, ...facts }, () =>
      [coverage({ holds, covers, notCovered }), line].join('\n'),
    );
  } catch (error) {
    if (!isRefusal(error)) throw error;
    process.exitCode = EXIT.no;
    // The reason may name what was in the file.
    const text = (): string => `DOES NOT HOLD: ${printable(error.message)}.`;
    printAnswer(options.json === true, { holds: false, covers: [], notCovered: [], reason: error.message }, text);
  }
}

/** The first lines of an answer. */
export function coverage({ holds = true, covers, notCovered }: Pick<Held, 'holds' | 'covers' | 'notCovered'>): string {
  const checked = covers.join('; ');
  const verdict = holds === null ? 'CANNOT BE SAID YET.' : 'DOES NOT HOLD.';
  return [
    holds === true ? `Holds: ${checked}.` : `${verdict} Looked at: ${checked}.`,
    `Not covered: ${notCovered.join('; ')}.`,
  ].join('\n');
}

export function factsOf({ origin, size, root, cosignatures }: OpenedCheckpoint): Record<string, unknown> {
  return {
    origin,
    losses: readLogName(origin).losses,
    size: String(size),
    root: toHex(root),
    cosignatures: cosignatures.map(({ name, seconds }) => ({
      name,
      time: new Date(Number(seconds) * 1000).toISOString(),
    })),
  };
}

/** Who has signed, as part of what a verdict covers. */
export function signedParts({ cosignatures }: OpenedCheckpoint): string[] {
  const witnessed = cosignatures.map(({ name }) => `the cosignature of ${name}`);
  return ["the signature of the log's key", ...witnessed];
}

/** What a log has lost, as part of what a verdict does not cover: its name says how often. */
export function lostParts({ origin }: Pick<OpenedCheckpoint, 'origin'>): string[] {
  return lostOften(readLogName(origin).losses);
}

/** The same. @param losses how often */
export function lostOften(losses: number): string[] {
  return losses === 0 ? [] : [`what the log has LOST and put on record (${losses === 1 ? 'once' : `${losses} times`})`];
}

/** A loss that a log tells of, in words. */
export function lossText({ losses, acceptedAt, leaves, kept, index }: ProvenLoss): string {
  return (
    `The log says, in leaf ${index}, that entries were LOST: of its ${leaves} leaves it kept the first ${kept}. That was accepted at ` +
    `${acceptedAt}, as loss ${losses}.`
  );
}

/** The same for `--json`. */
export function lossFacts({ losses, acceptedAt, leaves, kept, index }: ProvenLoss): Record<string, unknown> {
  return { losses, acceptedAt, leaves: String(leaves), kept: String(kept), index: String(index) };
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
