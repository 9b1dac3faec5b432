import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { FieldError } from '@sijill/contracts';
import { Lane, type EventStore } from '@sijill/event-store';
import type { Clock } from '@sijill/platform';
import type { AcceptedEvent } from '../accepted-event.js';
import { decodeJson } from '../decode.js';
import type { EventKey } from '../entry-catalogue.js';
import type { EntryMaker } from '../entry-maker.js';
import { readEvent, tooLarge, type IntakeLimits } from '../read-event.js';
import type { SeenEvents } from '../seen-events.js';

export interface ImportResult {
  readonly lines: number;
  /** Events that were not in the ledger before. */
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly { readonly line: number; readonly errors: readonly FieldError[] }[];
}

export interface ImportProgress {
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** The file could not be read to its end; what was imported until then stays and a second run goes on from there. */
export class FileUnreadable extends Error {
  override readonly name = 'FileUnreadable';
}

export interface ImportContext {
  readonly store: EventStore;
  readonly maker: EntryMaker;
  readonly seen: SeenEvents;
  readonly clock: Clock;
  readonly limits: IntakeLimits;
  readonly defaultRegion: string;
}

const LINES_A_STEP = 500;

interface GoodLine {
  readonly line: number;
  readonly accepted: AcceptedEvent;
}

/**
 * Imports a file of CloudEvents, one a line, into a lane of its own.
 *
 * The lane is named by the file's content and its entries carry their line, so an import that was cut short goes on behind the
 * last line that became durable, and a finished file read again writes nothing. Every line is checked on every run, so that the
 * refused ones are listed each time.
 *
 * @throws FileUnreadable
 * @throws LaneTakenOver another import of the same file is running
 */
export async function importFile(
  file: string,
  context: ImportContext,
  onProgress: (progress: ImportProgress) => void = () => undefined,
): Promise<ImportResult> {
  const { sha256, bytes } = await fingerprint(file);
  const lane = await Lane.open(context.store, `ledger-import-${sha256.slice(0, 32)}`, {
    onForeignWrite: 'stop',
    whenFull: 'refuse',
  });
  const end = lane.endAtOpening;
  const endLine = (end?.metadata['file'] as { line: number } | undefined)?.line ?? 0;
  const part = end?.metadata['part'] as { index: number; of: number } | undefined;
  // A large event may have been cut between two appends: its line is taken up again behind the entries that are there.
  const cutAt = part !== undefined && part.index + 1 < part.of ? { line: endLine, skip: part.index + 1 } : null;
  const lastWhole = cutAt === null ? endLine : endLine - 1;

  const result = {
    lines: 0,
    accepted: 0,
    duplicates: 0,
    rejected: [] as { line: number; errors: readonly FieldError[] }[],
  };
  let step: GoodLine[] = [];
  let earlier: GoodLine[] = [];

  const writeStep = async (): Promise<void> => {
    const good = step;
    step = [];
    if (good.length === 0) return;
    const made = await context.maker.make(
      good.map(({ line, accepted }) => ({
        accepted,
        provenance: { producer: null, arrival: { file: { sha256, line } } },
      })),
    );
    const written: GoodLine[] = [];
    const entries = made.flatMap((outcome, i) => {
      const line = good[i]!;
      if ('errors' in outcome) {
        result.rejected.push({ line: line.line, errors: outcome.errors });
        return [];
      }
      written.push(line);
      return line.line === cutAt?.line ? outcome.entries.slice(cutAt.skip) : outcome.entries;
    });
    if (entries.length === 0) return;
    const keys = written.map(keyOf);
    const seen = await context.seen.claim(keys);
    const { position } = await lane.append(entries);
    await context.seen.stored(keys, position);
    const repeated = seen.filter((duplicate) => duplicate).length;
    result.duplicates += repeated;
    result.accepted += seen.length - repeated;
  };

  // Lines before the lane's end were stored by an earlier run, or refused by it for what is right today (a time that lay ahead, a
  // limit). The lane goes on behind its end, so that these cannot be stored in it any more; they must not pass for stored either.
  const checkEarlier = async (): Promise<void> => {
    const lines = earlier;
    earlier = [];
    const known = await context.seen.known(lines.map(keyOf));
    lines.forEach(({ line }, i) => {
      if (known[i]!) result.duplicates++;
      else result.rejected.push({ line, errors: [REFUSED_BEFORE] });
    });
  };

  let bytesDone = 0;
  for await (const { bytes: line, length } of linesOf(file, context.limits.eventBytes)) {
    bytesDone += length;
    result.lines++;
    if (isBlank(line)) continue;
    const reading = readLine(line, context);
    if ('errors' in reading) result.rejected.push({ line: result.lines, errors: reading.errors });
    else if (result.lines <= lastWhole) earlier.push({ line: result.lines, accepted: reading.accepted });
    else step.push({ line: result.lines, accepted: reading.accepted });
    if (step.length >= LINES_A_STEP || result.lines % LINES_A_STEP === 0) {
      await checkEarlier();
      await writeStep();
      onProgress({ bytesDone, bytesTotal: bytes });
    }
  }
  await checkEarlier();
  await writeStep();
  onProgress({ bytesDone: bytes, bytesTotal: bytes });
  await lane.close();
  return { ...result, rejected: result.rejected.sort((a, b) => a.line - b.line) };
}

const REFUSED_BEFORE: FieldError = {
  path: '',
  code: 'refused_before',
  message: 'was refused when this file was first read, and is right today; import it in a file of its own',
};

function keyOf({ accepted: { event } }: GoodLine): EventKey {
  return { source: event.source, eventId: event.id };
}

function readLine(line: Buffer, context: ImportContext): ReturnType<typeof readEvent> {
  if (line.length > context.limits.eventBytes) return { errors: [tooLarge(context.limits)] };
  const decoded = decodeJson(line);
  if ('error' in decoded) return { errors: [decoded.error] };
  return readEvent(decoded.value, {
    limits: context.limits,
    defaultRegion: context.defaultRegion,
    now: context.clock.now(),
  });
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

async function fingerprint(file: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunksOf(file)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) yield chunk as Buffer;
  } catch (cause) {
    throw new FileUnreadable(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown error'}`, {
      cause,
    });
  }
}

/**
 * Lines as bytes: text decoding must not mend what is not UTF-8 before it is judged. `length` counts the line break.
 *
 * @param most of a line that is longer than this only so much and a byte is kept: enough to tell that it is too long
 */
async function* linesOf(file: string, most: number): AsyncGenerator<{ bytes: Buffer; length: number }> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let length = 0;
  const take = (piece: Buffer): void => {
    length += piece.length;
    const part = piece.subarray(0, Math.max(0, most + 1 - keptBytes));
    if (part.length === 0) return;
    kept.push(part);
    keptBytes += part.length;
  };
  const line = (lineBreak: number): { bytes: Buffer; length: number } => {
    const whole = { bytes: Buffer.concat(kept), length: length + lineBreak };
    kept = [];
    keptBytes = length = 0;
    return whole;
  };
  for await (const chunk of chunksOf(file)) {
    let from = 0;
    for (let to = chunk.indexOf(0x0a); to !== -1; to = chunk.indexOf(0x0a, from)) {
      take(chunk.subarray(from, to));
      yield line(1);
      from = to + 1;
    }
    take(chunk.subarray(from));
  }
  if (length > 0) yield line(0);
}
